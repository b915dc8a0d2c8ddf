# $1 key, $2 offset, $3 most bytes. Prints one line: STATE, exit code or -, size of the output; then output from offset.
folder=$(job_folder "$1") || { echo "$folder"; exit 64; }
[ -d "$folder" ] || { echo "NEVER - 0"; exit 0; }

keeper=0 keeper_start=0 command=0 command_start=0
same_boot=no
if [ -f "$folder/start" ]; then
  read -r boot _ <"$folder/start"
  [ "$boot" != "$(boot_id)" ] || same_boot=yes
fi
keeper_lives() {
  if has_flock; then
    # 1: somebody holds it. Shared, so that looks do not disturb each other.
    ( exec 9>>"$folder/lock" && flock -s -n 9 ) 2>/dev/null
    [ $? -eq 1 ]
  else
    [ "$same_boot" = yes ] && [ -f "$folder/pids" ] && read -r number since _ <"$folder/pids" && is_alive "$number" "$since"
  fi
}
# The command may outlive its keeper, and what it started may outlive the command; all of them are in one session.
command_lives() {
  [ "$same_boot" = yes ] && [ -f "$folder/pids" ] || return 1
  read -r keeper keeper_start command command_start <"$folder/pids"
  is_alive "$command" "$command_start" && return 0
  ps -eo sid=,stat= 2>/dev/null | awk -v session="$keeper" '$1 == session && $2 !~ /^Z/ { found = 1 } END { exit !found }'
}

code=-
lives=no
keeper_lives && lives=yes # before the exit code: a job that ends in between is then DONE, not LOST
if [ -s "$folder/exit_code" ]; then state=DONE; read -r code <"$folder/exit_code"
elif [ "$lives" = yes ]; then state=RUNNING
elif [ ! -f "$folder/start" ]; then state=NEVER
elif command_lives; then state=ORPHAN
elif [ -s "$folder/exit_code" ]; then state=DONE; read -r code <"$folder/exit_code"
else state=LOST; fi
size=$(wc -c 2>/dev/null <"$folder/out" || echo 0)
echo "$state $code $((size))"
tail -c "+$(($2 + 1))" "$folder/out" 2>/dev/null | head -c "$3"
