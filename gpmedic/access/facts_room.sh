# Runs on a host of copies that are to be overwritten or read. $1 frame line, $2 seconds for all sizes; then for each
# content its number, how many directories follow, and those, the data directory first. Prints lines: key, content, value.
each() { # what to do with content, how many directories, those and the rest; the contents as above
  doing=$1
  shift
  while [ $# -ge 2 ]; do
    content=$1 count=$2
    shift 2
    "$doing" "$content" "$count" "$@"
    shift "$count"
  done
}
space() { space_of "$1" "$3"; }
sizes() {
  number=$1 many=$2
  shift 2
  size_of "$number" "$ends" "$many" "$@"
}
marker=$1 ends=$(($(date +%s) + $2))
shift 2
printf '%s\n' "$marker"
each space "$@"
each sizes "$@"
echo "end - -"
