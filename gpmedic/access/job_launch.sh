# $1 key, $2 text of the command, $3 text of the keeper, $4 the coordinator's data directory, or nothing. Prints one line: STARTED, ADOPTED (somebody has started it
# before, whatever became of it) or ERROR and why. A key is started at most once, ever.
trap '' HUP PIPE # a connection lost from here on must not leave half a launch
login_umask=$(umask)
umask 077
folder=$(job_folder "$1") || { echo "$folder"; exit 64; }
mkdir -p "$folder" 2>/dev/null || { echo "ERROR the folder $folder cannot be made"; exit 73; }

if has_flock; then
  ( : >>"$folder/lock" ) 2>/dev/null || { echo "ERROR $folder/lock cannot be written"; exit 73; }
  exec 9>>"$folder/lock" # tried before, because a failing exec ends the shell without a word
  tries=0
  # Held by a keeper for its life, by a look at the status for a moment.
  until flock -n 9; do
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || { echo ADOPTED; exit 0; }
    sleep 0.1 2>/dev/null || sleep 1
  done
elif ! mkdir "$folder/claim" 2>/dev/null; then # macOS has no flock: whoever makes this folder starts the job
  [ -d "$folder/claim" ] || { echo "ERROR $folder/claim cannot be made"; exit 73; }
  echo ADOPTED
  exit 0
fi
[ ! -e "$folder/start" ] || { echo ADOPTED; exit 0; }

printf '%s' "$2" >"$folder/command" && printf '%s' "$3" >"$folder/keeper" && : >>"$folder/out" &&
  printf '%s\n' "$4" >"$folder/data_directory" &&
  printf '%s %s %s\n' "$(boot_id)" "$(date +%s)" "$(uname -n)" >"$folder/start.new" &&
  [ -s "$folder/start.new" ] && mv "$folder/start.new" "$folder/start" || {
  echo "ERROR nothing can be written in $folder"
  exit 73
}
if command -v setsid >/dev/null 2>&1; then
  setsid nohup /bin/sh "$folder/keeper" "$folder" "$login_umask" </dev/null >/dev/null 2>&1 &
else # macOS: a process group of its own is the nearest thing
  set -m
  nohup /bin/sh "$folder/keeper" "$folder" "$login_umask" </dev/null >/dev/null 2>&1 &
fi
exec 9>&-
tries=0
until [ -f "$folder/pids" ] || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.05 2>/dev/null || sleep 1
done
echo STARTED
