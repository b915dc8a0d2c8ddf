# Runs on every host. $1 frame line, $2 GPHOME, then data directories. Prints lines: key, number of the directory, value.
marker=$1 home=$2
shift 2
printf '%s\n' "$marker"
echo "clock - $(date +%s)"
LD_LIBRARY_PATH=$home/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
newline='
'
version=$("$home/bin/postgres" --gp-version 2>/dev/null) || version=$("$home/bin/postgres" --version 2>/dev/null) || version=
echo "version - ${version%%"$newline"*}"
packages "$home"
# ps reads more of each process than its command line, and takes four times as long: it is asked where one of these words
# stands in one, and where grep cannot tell. (The brackets keep grep from finding itself and awk.)
[ ! -r /proc/self/cmdline ] ||
  LC_ALL=C grep -qsE '[p]g_(basebackup|rewind)|[r]sync|[g]p(segrecovery|configurenewsegment)' /proc/[0-9]*/cmdline
case $? in
1 | 2) copies= ;; # 2: not found, and some have ended meanwhile
*)
  # Word by word: one pattern over a whole line takes an awk minutes where a program has a hundred kilobytes of arguments.
  copies=$(ps -ww -eo pid=,args= | awk '{
    for (i = 2; i <= NF; i++) {
      word = $i; sub(/.*\//, "", word)
      if (word ~ /^([p]g_basebackup|[p]g_rewind|[r]sync|[g]psegrecovery(\.py)?|[g]pconfigurenewsegment)$/) { print; break } } }') ;;
esac
number=-1
for directory in "$@"; do
  number=$((number + 1))
  parent=${directory%/}
  parent=${parent%/*}/
  near=$directory
  while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
  df -P "$near" 2>/dev/null | awk -v n="$number" 'NR == 2 { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^[0-9]+%$/ && $i ~ /^[0-9]+$/ && $(i - 1) + $i > 0) printf "free %s %.1f\n", n, 100 * $i / ($(i - 1) + $i) }'
  [ ! -d "$parent" ] || echo "parent $number yes"
  [ -d "$directory" ] || continue
  echo "exists $number yes"
  [ ! -w "$directory" ] || [ ! -x "$directory" ] || echo "writable $number yes"
  stat -c "mode $number %a" "$directory" 2>/dev/null || stat -f "mode $number %Lp" "$directory"
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
  [ -z "$copies" ] || printf '%s\n' "$copies" | GPMEDIC_DIRECTORY=$directory awk -v n="$number" '
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
