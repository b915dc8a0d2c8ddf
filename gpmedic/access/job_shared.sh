# Functions of the job scripts. A job's folder holds: command, keeper (what runs it), data_directory (of the coordinator on
# which it works), start (boot, time, host), pids (keeper and command, each with its start time), out, exit_code, lock.
set -u

job_folder() {
  case $1 in '' | .* | *[!A-Za-z0-9._-]*) echo "ERROR the job key $1 is not valid"; exit 64 ;; esac
  printf '%s\n' "$HOME/.gpmedic/jobs/$1"
}

# Start time of process $1: a process number is given again, number and start time together are not.
# 0 where there is none, or a zombie.
started_at() {
  if [ -r /proc/self/stat ]; then
    stat=
    read -r stat 2>/dev/null <"/proc/$1/stat" || { echo 0; return; }
    set -- ${stat##*) }
    if [ "$1" = Z ]; then echo 0; else echo "${20}"; fi
  else
    when=$(LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | tr -d ' '); echo "${when:-0}"
  fi
}

is_alive() { [ "$2" != 0 ] && [ "$(started_at "$1")" = "$2" ]; }

has_flock() { command -v flock >/dev/null 2>&1; }
