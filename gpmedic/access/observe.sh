# Who we are on the coordinator's host, where gpstate is, what the coordinator's postmaster.pid says, and, with $1 = help,
# what `gprecoverseg --help` prints. Changes nothing.
echo "user ${LOGNAME:-$(id -un)}"
echo "gpstate $(command -v gpstate)"
if [ ! -d "$MASTER_DATA_DIRECTORY" ]; then echo "postmaster there is no directory $MASTER_DATA_DIRECTORY"
else
  pid=
  read -r pid 2>/dev/null <"$MASTER_DATA_DIRECTORY/postmaster.pid" || :
  case $pid in
  '') echo "postmaster the coordinator is stopped, it has no postmaster.pid" ;;
  *[!0-9]*) echo "postmaster postmaster.pid cannot be read" ;;
  *)
    case $(ps -o stat= -p "$pid" 2>/dev/null) in
    '' | Z*) echo "postmaster the coordinator has died, pid $pid of postmaster.pid is gone" ;;
    *) echo "postmaster pid $pid of postmaster.pid lives"
      # Its third line is the time of its start, from PostgreSQL 9.1 on.
      echo "started $(sed -n 3p "$MASTER_DATA_DIRECTORY/postmaster.pid" 2>/dev/null)" ;;
    esac ;;
  esac
fi
[ "$1" != help ] || { echo help; within 20 gprecoverseg --help </dev/null 2>&1 | head -c 100000; }
exit 0
