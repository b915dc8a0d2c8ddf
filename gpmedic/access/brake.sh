# The brake of gpmedic. $1 on, off or show; $2 cluster; $3 who and why, one line, where it is pulled.
# A file on the coordinator's host, so that it holds for every worker, and so that a person can make it by hand:
# brake-CLUSTER is for one cluster, brake for all that this account administers.
# Prints OFF, or ON with the first line of the file.
folder=$HOME/.gpmedic
one=$folder/brake-$2
all=$folder/brake
umask 077

case $1 in
on)
  mkdir -p "$folder" 2>/dev/null && printf '%s\n' "$3" >"$one" 2>/dev/null ||
    { echo "ERROR $one cannot be written"; exit 73; } ;;
off)
  rm -f "$one" 2>/dev/null
  [ ! -e "$one" ] || { echo "ERROR $one cannot be removed"; exit 73; } ;;
esac
for file in "$all" "$one"; do
  [ -e "$file" ] || continue
  why=
  IFS= read -r why <"$file" 2>/dev/null || :
  echo "ON $file: $why"
  exit 0
done
echo OFF
