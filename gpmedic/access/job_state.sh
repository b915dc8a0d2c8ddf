# Functions that tell what has become of the job in $folder.
keeper_lives() {
  if has_flock; then
    # 1: somebody holds it. Shared, so that looks do not disturb each other.
    ( exec 9>>"$folder/lock" && flock -s -n 9 ) 2>/dev/null
    [ $? -eq 1 ]
  else
    [ "$same_boot" = yes ] && [ -f "$folder/pids" ] && read -r number since _ <"$folder/pids" && is_alive "$number" "$since"
  fi
}

# Prints a line of a list: the seconds from $1 to $now, and the job's key.
list_job() {
  age=$((now - $1))
  [ "$age" -ge 0 ] || age=0
  printf '%s %s\n' "$age" "${folder##*/}"
}

# The command may outlive its keeper, and what it started may outlive the command; all of them are in one session.
# A postmaster that was started is no part of the job: the pg_ctl of 4.3 and 6 leaves it in the session, for good.
command_lives() {
  [ "$same_boot" = yes ] && [ -f "$folder/pids" ] || return 1
  read -r keeper keeper_start command command_start <"$folder/pids"
  is_alive "$command" "$command_start" && return 0
  ps -eo sid=,stat=,comm= 2>/dev/null | awk -v session="$keeper" '
    $1 == session && $2 !~ /^Z/ && $3 !~ /^(postgres|postmaster)$/ { found = 1 } END { exit !found }'
}

# Sets state, and code where it is DONE.
find_state() {
  keeper=0 keeper_start=0 command=0 command_start=0
  same_boot=no
  if [ -f "$folder/start" ]; then
    read -r boot _ <"$folder/start"
    [ "$boot" != "$(boot_id)" ] || same_boot=yes
  fi
  code=-
  lives=no
  keeper_lives && lives=yes # before the exit code: a job that ends in between is then DONE, not LOST
  if [ -s "$folder/exit_code" ]; then state=DONE; read -r code <"$folder/exit_code"
  elif [ "$lives" = yes ]; then state=RUNNING
  elif [ ! -f "$folder/start" ]; then state=NEVER
  elif command_lives; then state=ORPHAN
  elif [ -s "$folder/exit_code" ]; then state=DONE; read -r code <"$folder/exit_code"
  else state=LOST; fi
}
