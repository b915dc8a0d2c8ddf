# Runs on a host of copies that are to be overwritten or read. $1 frame line, $2 seconds for each size; then for each
# content its number, how many directories follow, and those, the data directory first. Prints lines: key, content, value.
marker=$1 seconds=$2
shift 2
printf '%s\n' "$marker"
while [ $# -ge 2 ]; do
  content=$1 count=$2 directory=$3
  shift 2
  space_of "$content" "$directory"
  size_of "$content" "$seconds" "$count" "$@"
  shift "$count"
done
echo "end - -"
