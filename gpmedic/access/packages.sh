# A function for other scripts: packages GPHOME prints what gppkg has installed there, as it lists it itself: the names in its
# archive, one line. Prints nothing where there is no archive.
packages() {
  [ -d "$1/share/packages/archive" ] || return 0
  printf 'packages - %s\n' "$(for package in "$1/share/packages/archive"/*.gppkg; do
    [ ! -e "$package" ] || printf '%s ' "${package##*/}"
  done)"
}
