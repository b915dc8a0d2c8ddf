# Runs on the host of an acting primary. $1 frame line, $2 the spare, to which it tries ssh, $3 seconds for all sizes; then
# for each content its number, how many directories follow, and those. Prints lines: key, content, value.
marker=$1 spare=$2 seconds=$3
shift 3
ends=$(($(date +%s) + seconds))
printf '%s\n' "$marker"
echo "machine - $(machine)"
hop 0 "$spare"
while [ $# -ge 2 ]; do
  content=$1 count=$2
  shift 2
  size_of "$content" "$ends" "$count" "$@"
  shift "$count"
done
echo "end - -"
