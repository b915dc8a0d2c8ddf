# Who we are on the coordinator's host, where gpstate is, what the coordinator's postmaster.pid says, and, with $1 = help,
# what `gprecoverseg --help` prints. $2 is the coordinator's data directory as the catalog names it, or nothing.
# Changes nothing.
echo "user ${LOGNAME:-$(id -un)}"
echo "gpstate $(command -v gpstate)"
if [ ! -d "$MASTER_DATA_DIRECTORY" ]; then echo "postmaster there is no directory $MASTER_DATA_DIRECTORY"
else
  [ -z "$2" ] || [ ! "$2" -ef "$MASTER_DATA_DIRECTORY" ] || echo "directory is that of the catalog"
  pid=
  read -r pid 2>/dev/null <"$MASTER_DATA_DIRECTORY/postmaster.pid" || :
  case $pid in
  '' | *[!0-9]*)
    # Only where the directory can be searched does a file that is not seen prove anything.
    if [ -x "$MASTER_DATA_DIRECTORY" ] && [ ! -e "$MASTER_DATA_DIRECTORY/postmaster.pid" ]; then
      echo "postmaster the coordinator is stopped, it has no postmaster.pid"
    else echo "postmaster postmaster.pid cannot be read"; fi ;;
  *)
    # A postmaster works in its data directory; the number may be another program's by now.
    if runs "$pid" && [ -e "/proc/$pid/cwd" ] && [ ! "/proc/$pid/cwd" -ef "$MASTER_DATA_DIRECTORY" ]; then
      echo "postmaster the coordinator has died, pid $pid of postmaster.pid is another program's"
    elif runs "$pid"; then
      echo "postmaster pid $pid of postmaster.pid lives"
      sed -n '1,4s/^/file /p' "$MASTER_DATA_DIRECTORY/postmaster.pid" 2>/dev/null
    else echo "postmaster the coordinator has died, pid $pid of postmaster.pid is gone"; fi ;;
  esac
fi
if [ "$1" = help ]; then
  echo help
  # It takes its lock in the data directory before it reads its options: in that of the cluster, whoever starts a
  # gprecoverseg at this moment would be told that one runs already, with exit code 0 (T1), and the deadline could leave
  # a stale lock behind (T22).
  if nowhere=$(mktemp -d "${TMPDIR:-/tmp}/gpmedic.XXXXXX"); then
    trap 'rm -rf "$nowhere"' EXIT
    MASTER_DATA_DIRECTORY=$nowhere COORDINATOR_DATA_DIRECTORY=$nowhere
    export MASTER_DATA_DIRECTORY COORDINATOR_DATA_DIRECTORY
    within 20 gprecoverseg --help </dev/null 2>&1 | head -c 100000
  fi
fi
exit 0
