# Runs on the spare host. $1 frame line, $2 GPHOME, $3 how many hosts follow; those hosts, to which it tries ssh; then the
# directories into which segments are to be copied. Prints lines: key, number, value.
marker=$1 home=$2 peers=$3
shift 3
printf '%s\n' "$marker"
echo "clock - $(date +%s)"
echo "user - ${LOGNAME:-$(id -un)}"
echo "machine - $(machine)"
version=$(LD_LIBRARY_PATH=$home/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$home/bin/postgres" --gp-version 2>/dev/null) ||
  version=$(LD_LIBRARY_PATH=$home/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$home/bin/postgres" --version 2>/dev/null) || version=
echo "version - $(printf '%s\n' "$version" | head -n 1)"
packages "$home"
if command -v ss >/dev/null 2>&1; then sockets=$(ss -lnt 2>/dev/null | awk 'NR > 1 { print $4 }')
else sockets=$(netstat -ant 2>/dev/null | awk '/LISTEN/ { print $4 }'); fi
if [ -z "$sockets" ] && [ -r /proc/net/tcp ]; then # hexadecimal; 0A is LISTEN
  for hex in $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }'); do
    sockets="$sockets :$((0x$hex))"
  done
fi
[ -z "$sockets" ] || printf 'ports - %s\n' "$(printf '%s\n' $sockets | sed 's/.*[:.]//' | sort -un | tr '\n' ' ')"
number=-1
while [ "$peers" -gt 0 ]; do
  number=$((number + 1)) peers=$((peers - 1))
  hop "$number" "$1"
  shift
done
number=-1
for directory in "$@"; do
  number=$((number + 1))
  near=$directory
  while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
  if [ -d "$directory" ]; then echo "entries $number $(ls -A "$directory" 2>/dev/null | wc -l | tr -d ' ')"
  elif [ -e "$directory" ]; then echo "entries $number 1"; fi
  # An empty directory that is there is written into itself.
  if [ -d "$near" ] && [ -w "$near" ] && [ -x "$near" ]; then echo "writable $number yes"; fi
  space_of "$number" "$directory"
done
echo "end - -"
