# One job that stops the database, proves that no postmaster is left of what must start, and starts it again: whoever
# started it may die meanwhile. $1 command that stops, $2 command that starts, $3 seconds in which the postmasters that
# must end have to, $4 seconds that the others get, $5 seconds for a host's answer; then for each host three arguments:
# its name, "must" or "may" answer, its script. Lines of its own begin with "gpmedic-restart: ". Exit code: that of the
# start; 70 where nothing was started, because a host that must answer does not or a disk of one hangs (then nothing is
# stopped either), because a postmaster is left that must end, or because somebody else has started one.
trap '' HUP INT TERM
stop=$1 start=$2 patience=$3 spared=$4 deadline=$5
shift 5
say() { printf 'gpmedic-restart: %s\n' "$*"; }
tell() { printf '%s' "$2" | while IFS= read -r line; do say "$1: $line"; done; } # word, lines
give_up() { # word, lines, what was not done
  tell "$1" "$2"
  say "$3"
  exit 70
}
newline='
'
folder=$(mktemp -d "${TMPDIR:-/tmp}/gpmedic.XXXXXX") || { say "no folder for temporary files; nothing was stopped"; exit 70; }
trap 'rm -rf "$folder"' EXIT

ask() { # host, script
  printf '%s\n' "$2" | within "$deadline" ssh -T -o BatchMode=yes -o ConnectTimeout="$((deadline / 2))" -- "$1" \
    'exec /bin/sh -s' >"$folder/$1.out" 2>"$folder/$1.err"
}
found() { # "must", "may" or "named"
  sed -n "s/^$1 //p" "$folder/$host.out" | sort -u | sed "s/^/postmaster /;s/\$/ on $host/"
}
# Sets running: the postmasters that must end; named: of these those that a pid file names; silent: the hosts that must say so
# and do not; beside: other postmasters; hanging: the hosts that answer for some of their directories alone.
look() {
  running='' named='' silent='' beside='' hanging=''
  for answer in "$folder"/*.out; do [ ! -e "$answer" ] || rm -f "$answer"; done
  at=0
  while [ "$at" -lt "$hosts" ]; do
    eval "host=\${$((3 * at + 1))} text=\${$((3 * at + 3))}"
    ask "$host" "$text" &
    at=$((at + 1))
    [ $((at % 32)) -ne 0 ] || wait
  done
  wait
  at=0
  while [ "$at" -lt "$hosts" ]; do
    eval "host=\${$((3 * at + 1))} need=\${$((3 * at + 2))}"
    at=$((at + 1))
    found=$(found must); running=$running${found:+$found$newline}
    found=$(found may); beside=$beside${found:+$found$newline}
    found=$(found named); named=$named${found:+$found$newline}
    if grep -q -x seen "$folder/$host.out"; then
      grep -q -x end "$folder/$host.out" ||
        hanging="$hanging$host does not answer for a data directory: its disk hangs$newline"
    elif [ "$need" = must ]; then
      silent="$silent$host does not answer: $(tail -n 1 "$folder/$host.err")$newline"
    fi
  done
}

hosts=$(($# / 3))
# While it runs: a start that misses a host leaves the database stopped (T13, T32), and gpstop, which reads the pid file of
# every segment, would never come back from a disk that hangs.
look "$@"
[ -z "$silent$hanging" ] || give_up left "$silent$hanging" "not stopped"
printf '%s' "$named" >"$folder/before" || give_up left "no room for temporary files in $folder$newline" "not stopped"
say "stop: $stop"
eval "$stop"
say "stop ended with $?"
began=$(date +%s) told='' foreign=''
while :; do
  look "$@"
  waited=$(($(date +%s) - began))
  left=$running$silent
  was=$foreign
  foreign=$(printf '%s' "$named" | grep -v -x -F -f "$folder/before")
  if [ -n "$foreign" ] && [ "$foreign" = "$was" ]; then # a second gpstart beside that of a person would be in its way
    give_up foreign "$foreign$newline" "not started"
  elif [ -z "$left" ]; then
    [ -n "$beside" ] && [ "$waited" -lt "$spared" ] || break
  elif [ "$waited" -ge "$patience" ]; then
    give_up left "$left" "not started"
  elif [ "$waited" -ge "$spared" ] && [ "$told" != "$left" ]; then
    tell waits "$left"
    told=$left
  fi
  sleep 2
done
[ -n "$beside$hanging" ] || say "no postmaster is left"
tell beside "$beside$hanging"
say "start: $start"
eval "$start"
code=$?
say "start ended with $code"
exit "$code"
