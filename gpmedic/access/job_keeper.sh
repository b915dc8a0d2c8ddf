# $1 folder, $2 umask of the login. Runs the job's command, lives as long as it and writes down how it ended.
# It holds the lock for its life; the command does not get it, or a postgres that it leaves behind would keep it.
trap '' HUP
folder=$1
cd "$HOME" || cd /
( umask "$2"; exec /bin/sh "$folder/command" ) </dev/null >>"$folder/out" 2>&1 9>&- &
command=$!
printf '%s %s %s %s\n' $$ "$(started_at $$)" "$command" "$(started_at "$command")" >"$folder/pids.new"
mv "$folder/pids.new" "$folder/pids"
wait "$command"
code=$?
tries=0
# A full disk must not make a finished job look lost: wait up to five minutes for room.
until printf '%s\n' "$code" >"$folder/exit_code.new" && [ -s "$folder/exit_code.new" ] &&
  mv "$folder/exit_code.new" "$folder/exit_code"; do
  tries=$((tries + 1))
  [ "$tries" -lt 150 ] || exit 75
  sleep 2
done 2>/dev/null
