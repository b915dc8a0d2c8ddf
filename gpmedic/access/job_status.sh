# $1 key, $2 offset, $3 most bytes. Prints one line: STATE, exit code or -, size of the output; then output from offset.
folder=$(job_folder "$1") || { echo "$folder"; exit 64; }
[ -d "$folder" ] || { echo "NEVER - 0"; exit 0; }
find_state
size=$(wc -c 2>/dev/null <"$folder/out" || echo 0)
echo "$state $code $((size))"
tail -c "+$(($2 + 1))" "$folder/out" 2>/dev/null | head -c "$3"
