# Runs on the host that is said to be lost. $1 frame line, then data directories. Prints those that are there.
printf '%s\n' "$1"
shift
number=-1
for directory in "$@"; do
  number=$((number + 1))
  [ ! -e "$directory/PG_VERSION" ] || echo "exists $number yes"
done
echo "end - -"
