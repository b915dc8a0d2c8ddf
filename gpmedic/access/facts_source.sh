# Runs on the host of an acting primary. $1 frame line, $2 the spare, to which it tries ssh, $3 seconds for each size; then
# for each content its number, how many directories follow, and those. Prints lines: key, content, value.
marker=$1 spare=$2 seconds=$3
shift 3
printf '%s\n' "$marker"
hop 0 "$spare"
while [ $# -ge 2 ]; do
  content=$1 count=$2 sum=0 known=yes
  shift 2
  while [ "$count" -gt 0 ]; do
    # What vanishes while it is counted makes du fail, and its sum still stands; what was cut off has none.
    size=$(within "$seconds" du -sk "$1" 2>/dev/null | awk '{ print $1 }')
    case $size in '' | *[!0-9]*) known=no ;; *) sum=$((sum + size)) ;; esac
    shift
    count=$((count - 1))
  done
  [ "$known" = no ] || echo "size $content $sum"
done
echo "end - -"
