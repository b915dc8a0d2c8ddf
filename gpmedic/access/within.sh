# within SECONDS COMMAND: ends it when the time is over, with an exit code of 124 or above. macOS has no timeout, but
# perl; that of RHEL 6 (coreutils 8.4) knows no -k, so there the first signal must be the one that ends everything.
# A text, so that who starts thousands of shells need not find out in each of them.
if timeout -k 2 5 true </dev/null 2>/dev/null; then within_defined='within() { timeout -k 2 "$@"; }'
elif command -v timeout >/dev/null 2>&1; then within_defined='within() { timeout -s KILL "$@"; }'
else within_defined="within() { perl -e 'alarm shift; exec @ARGV or exit 127' \"\$@\"; }"
fi
eval "$within_defined"
