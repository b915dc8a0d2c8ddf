# The brake of gpmedic. $1 on, off or show; $2 cluster; $3 the coordinator's data directory; $4 who and why, one line, where
# it is pulled.
# A file on the coordinator's host, so that it holds for every worker, and so that a person can make it by hand:
# brake-CLUSTER is for one cluster, brake for all that this account administers. What gpmedic pulls is kept by the data
# directory, and the name leads there: one cluster may be registered under two names.
# Prints OFF, or ON with the first line of the file.
folder=$HOME/.gpmedic
one=$folder/brake-$2
all=$folder/brake
real=$(cd "$3" 2>/dev/null && pwd -P) || real=$3
same=$folder/.brake-$(printf %s "$real" | cksum | tr ' ' -)
umask 077

case $1 in
on)
  mkdir -p "$folder" 2>/dev/null && printf '%s\n' "$4" >"$same" 2>/dev/null && ln -sf "$same" "$one" 2>/dev/null ||
    { echo "ERROR $one cannot be written"; exit 73; } ;;
off)
  rm -f "$same" "$one" 2>/dev/null
  for file in "$same" "$one"; do [ ! -e "$file" ] || { echo "ERROR $file cannot be removed"; exit 73; }; done ;;
esac
for file in "$all" "$one" "$same"; do
  [ -e "$file" ] || continue
  why=
  IFS= read -r why <"$file" 2>/dev/null || :
  echo "ON $file: $why"
  exit 0
done
echo OFF
