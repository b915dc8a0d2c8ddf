# Runs on every host. $1 frame line, $2 GPHOME, then data directories. Prints lines: key, number of the directory, value.
marker=$1 home=$2
shift 2
printf '%s\n' "$marker"
echo "clock - $(date +%s)"
LD_LIBRARY_PATH=$home/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
version=$("$home/bin/postgres" --gp-version 2>/dev/null) || version=$("$home/bin/postgres" --version 2>/dev/null) || version=
echo "version - $(printf '%s\n' "$version" | head -n 1)"
packages "$home"
# Word by word: one pattern over a whole line takes an awk minutes where a program has a hundred kilobytes of arguments.
copies=$(ps -ww -eo pid=,args= | awk '{
    for (i = 2; i <= NF; i++) {
      word = $i; sub(/.*\//, "", word)
      if (word ~ /^(pg_basebackup|pg_rewind|rsync|gpsegrecovery(\.py)?|gpconfigurenewsegment)$/) { print; break } } }')
number=-1
for directory in "$@"; do
  number=$((number + 1))
  near=$directory
  while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
  df -P "$near" 2>/dev/null | awk -v n="$number" 'NR == 2 { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^[0-9]+%$/ && $i ~ /^[0-9]+$/ && $(i - 1) + $i > 0) printf "free %s %.1f\n", n, 100 * $i / ($(i - 1) + $i) }'
  [ ! -d "$(dirname "$directory")" ] || echo "parent $number yes"
  [ -d "$directory" ] || continue
  echo "exists $number yes"
  [ ! -w "$directory" ] || [ ! -x "$directory" ] || echo "writable $number yes"
  echo "mode $number $(stat -c %a "$directory" 2>/dev/null || stat -f %Lp "$directory")"
  [ ! -e "$directory/global/pg_control" ] || echo "control $number yes"
  marked=no
  for name in recovery.conf standby.signal recovery.signal; do
    [ ! -e "$directory/$name" ] || { marked=yes; echo "marker $number $name"; }
  done
  if [ "$marked" = yes ]; then
    LC_ALL=C "$home/bin/pg_controldata" "$directory" 2>/dev/null | sed -n "s/^Database cluster state: */state $number /p"
    [ ! -e "$directory/backup_label" ] || echo "backup $number yes"
  fi
  if [ -e "$directory/postmaster.pid" ]; then
    pid=
    read -r pid 2>/dev/null <"$directory/postmaster.pid" || :
    pid=${pid#-} # a single-user postgres, as pg_rewind runs it, writes its number with a minus
    case $pid in
    '' | *[!0-9]*) echo "postmaster $number unreadable" ;;
    *)
      # A postmaster works in its data directory; where that cannot be seen, its arguments name it.
      if ! runs "$pid"; then echo "postmaster $number stale $pid"
      elif [ "/proc/$pid/cwd" -ef "$directory" ] ||
        ps -ww -o args= -p "$pid" 2>/dev/null | grep -F -q -e "$directory"; then echo "postmaster $number alive $pid"
      else echo "postmaster $number reused $pid"; fi ;;
    esac
  fi
  printf '%s\n' "$copies" | GPMEDIC_DIRECTORY=$directory awk -v n="$number" '
    BEGIN { directory = ENVIRON["GPMEDIC_DIRECTORY"] }
    {
      line = $0
      while ((at = index(line, directory)) > 0) {
        line = substr(line, at + length(directory))
        if (line !~ /^[A-Za-z0-9_.-]/) { sub(/^ +/, ""); print "orphan " n " " substr($0, 1, 400); break }
      }
    }'
done
echo "end - -"
