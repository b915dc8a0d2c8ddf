# $1 deadline in seconds, $2 how many at once, $3 name of the setting for utility mode; then for each instance its dbid,
# address and port. Prints a line for each: dbid, exit code of psql, what it said.
deadline=$1 at_once=$2
PGOPTIONS="-c $3=utility" PGCONNECT_TIMEOUT=$deadline
export PGOPTIONS PGCONNECT_TIMEOUT
shift 3
command -v psql >/dev/null 2>&1 || { echo "gpmedic: psql is not on the PATH" >&2; exit 127; }
# A line is shorter than what a pipe takes at once, so lines of different probes do not mix. What starts a process here
# starts it thousands of times: the words of a probe that has succeeded are not looked at.
printf '%s\0' "$@" | xargs -0 -n 3 -P "$at_once" /bin/sh -c "$within_defined"'
  said=$(within '"$((deadline + 1))"' psql -X -A -t -w -h "$2" -p "$3" -d template1 -c "SELECT 1" 2>&1 </dev/null)
  code=$?
  if [ "$code" -eq 0 ]; then said=
  else said=$(printf "%s" "$said" | tr "\n\r\t" "   " | cut -c 1-400); fi
  printf "%s %s %s\n" "$1" "$code" "$said"
' sh
exit 0
