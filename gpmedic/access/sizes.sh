# What directories hold and what their file systems have left. Prints lines: key, number, value.

size_of() { # number, until when (seconds of the epoch), how many directories follow; those, then whatever
  counted=$1 ends=$2 many=$3 sum=0 known=yes
  shift 3
  while [ "$many" -gt 0 ]; do
    # One budget for all: whoever asked waits no longer, and a primary is not to be read for nobody.
    seconds=$((ends - $(date +%s)))
    if [ "$seconds" -le 0 ]; then
      known=no
      break
    fi
    # What vanishes while it is counted makes du fail, and its sum still stands; what was cut off has none.
    size=$(within "$seconds" du -skH "$1" 2>/dev/null | awk '{ print $1 }')
    case $size in '' | *[!0-9]*) known=no ;; *) sum=$((sum + size)) ;; esac
    shift
    many=$((many - 1))
  done
  [ "$known" = no ] || echo "size $counted $sum"
}

space_of() { # number, directory: kB that are free, kB in all, mount point, of it or of its nearest parent that exists
  near=$2
  while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
  df -Pk "$near" 2>/dev/null | awk -v n="$1" 'NR == 2 { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^[0-9]+%$/ && $i ~ /^[0-9]+$/) {
    mount = $(i + 2); printf "space %s %d %d %s\n", n, $i, $(i - 1) + $i, mount } }'
}
