# Runs on the coordinator's host. $1 frame line, $2 deadline in seconds for a host, $3 how many at once, $4 the
# coordinator's data directory, $5 how the scripts of all hosts begin; then for each host its name and the rest of the
# script that it is to run.
# Prints the coordinator's own facts, then for each host: frame, name, ssh's exit code, clock before and after, output;
# frame, errors.
marker=$1 deadline=$2 at_once=$3 data_directory=$4 begin=$5
shift 5
folder=$(mktemp -d "${TMPDIR:-/tmp}/gpmedic.XXXXXX") || exit 73
trap 'rm -rf "$folder"' EXIT

runs_as() { # pid, word that its arguments must hold
  runs "$1" || { echo stale; return; }
  if ps -ww -o args= -p "$1" | grep -F -q -e "$2"; then echo alive; else echo reused; fi
}
for lock in "$data_directory"/gp*.lock "$data_directory"/gp*.pid; do
  [ -e "$lock" ] || continue
  utility=${lock##*/}
  utility=${utility%.*}
  if [ -d "$lock" ]; then file=$lock/PID; else file=$lock; fi
  pid=
  read -r pid 2>/dev/null <"$file" || :
  case $pid in '' | *[!0-9]*) state=unreadable pid=0 ;; *) state=$(runs_as "$pid" "$utility") ;; esac
  echo "lock $state $pid $utility $lock"
done
[ ! -e "$data_directory/gpexpand.status" ] || echo "expansion $data_directory/gpexpand.status"
# Another cluster may have its coordinator on the same host: leave out what works for another data directory.
works_for_us() {
  # One that has ended since it was listed works for nobody, and one that just begins shows no environment yet.
  for again in 1 2 3; do
    environment=$({ tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null)
    runs "$1" || return 1
    [ -z "$environment" ] || break
    [ -r "/proc/$1/environ" ] || return 0
    sleep 1
  done
  theirs=$(printf '%s\n' "$environment" | sed -n 's/^\(MASTER\|COORDINATOR\)_DATA_DIRECTORY=//p' | head -n 1)
  # The same folder has many names (links, a slash at the end), and -d on the command line counts more.
  [ ! -d "$theirs" ] || [ "$theirs" -ef "$data_directory" ] || case $2 in *"$data_directory"*) ;; *) false ;; esac
}
ps -ww -eo pid=,args= | awk '{
    pid = $1; line = $0; sub(/^ *[0-9]+ +/, "", line)
    for (i = 2; i <= 4 && i <= NF; i++) {
      word = $i; sub(/.*[\/.]/, "", word)
      if (word ~ /^(gprecoverseg|gpstop|gpstart|gpexpand|gpshrink|gpmovemirrors|gpaddmirrors|gpinitstandby|gpactivatestandby|gpdeletesystem|gpconfig|gpinitsystem)$/) {
        if ($(i + 1) ~ /^(--help|--version)$/) break  # of a health check, or of a person who reads it
        print pid, substr(line, 1, 300); break } } }' |
  while read -r pid line; do
    if works_for_us "$pid" "$line"; then echo "utility $pid $line"; fi
  done

ask() { # number, host, the rest of its script
  before=$clock
  within "$deadline" ssh -T -o BatchMode=yes -o ConnectTimeout="$((deadline / 2))" -- "$2" \
    'exec /bin/sh -s' >"$folder/$1.out" 2>"$folder/$1.err" <<END
$begin$3
END
  code=$?
  if [ "$code" -ne 0 ] && command -v ping >/dev/null 2>&1; then
    if within 4 ping -c 1 -W 1 "$2" >/dev/null 2>&1; then echo "it answers ping" >>"$folder/$1.err"
    else echo "it does not answer ping" >>"$folder/$1.err"; fi
  fi
  clock=$(date +%s)
  echo "$marker host $2 $code $before $clock" >"$folder/$1.head"
}
# As many lanes as may be asked at once: a host that is silent for its whole deadline holds up its own lane alone.
lane() { # number of its first host; hosts and rests from there on
  each=$1 clock=$(date +%s)
  shift
  while ask "$each" "$1" "$2"; [ $# -gt "$((2 * at_once))" ]; do
    each=$((each + at_once))
    shift "$((2 * at_once))"
  done
}
number=$(($# / 2)) first=1
while [ "$first" -le "$at_once" ] && [ $# -ge 2 ]; do
  lane "$first" "$@" &
  first=$((first + 1))
  shift 2
done
wait
# One process prints everything: three for each of hundreds of hosts are the dearer part of asking them.
printf '\n%s errors\n' "$marker" >"$folder/errors"
echo >"$folder/end"
cd "$folder" || exit 73
each=1 files=
while [ "$each" -le "$number" ]; do
  files="$files $each.head $each.out errors $each.err end"
  each=$((each + 1))
done
[ -z "$files" ] || cat $files
