# Runs a command with a deadline in seconds; exit code 124 or above when it passed. macOS has no timeout, but perl.
within() {
  if command -v timeout >/dev/null 2>&1; then timeout -k 2 "$@"
  else perl -e 'alarm shift; exec @ARGV or exit 127' "$@"; fi
}
