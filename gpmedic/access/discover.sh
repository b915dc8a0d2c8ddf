# Where Greenplum lies on the coordinator's host. $1 the coordinator's data directory.
# Prints "home" and the first folder that holds greenplum_path.sh: that of the postmaster which runs, that of the
# utilities in the PATH of this login and of a login shell, the usual ones. Changes nothing.
pid=
read -r pid 2>/dev/null <"$1/postmaster.pid" || :
running=
case $pid in '' | *[!0-9]*) ;; *) running=$(ps -ww -o args= -p "$pid" | awk '{print $1; exit}') ;; esac
login=$("${SHELL:-/bin/sh}" -lc 'command -v gpstate' </dev/null 2>/dev/null | tail -n 1)
for program in "$running" "$(command -v gpstate)" "$login" \
  /usr/local/greenplum-db/bin/gpstate /usr/local/cloudberry-db/bin/gpstate; do
  home=${program%/bin/*}
  if [ "$home" != "$program" ] && [ -r "$home/greenplum_path.sh" ]; then
    echo "home $home"
    exit 0
  fi
done
