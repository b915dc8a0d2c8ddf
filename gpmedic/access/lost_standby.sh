# $1 the standby's host, $2 its data directory: asks that host, from here, whether the standby lives there. One line.
quoted() { printf "'"; printf %s "$1" | sed "s/'/'\\\\''/g"; printf "'"; }
# The word after ssh's host is run by the login shell there: everything variable goes on stdin.
{ printf 'datadir=%s\n' "$(quoted "$2")"
  cat <<'REMOTE'
gpmedic_standby() {
  [ -d "$datadir" ] || { echo "gpmedic: its data directory is not there"; return; }
  marker=no
  for name in recovery.conf standby.signal; do [ ! -e "$datadir/$name" ] || marker=$name; done
  pid=
  read -r pid 2>/dev/null <"$datadir/postmaster.pid" || :
  case $pid in
  '' | *[!0-9]*) state="its postmaster is stopped" ;;
  *)
    case $(ps -o stat= -p "$pid" 2>/dev/null) in
    '' | Z*) state="its postmaster has died, pid $pid is gone" ;;
    *) state="its postmaster lives, pid $pid" ;;
    esac ;;
  esac
  echo "gpmedic: $state; marker of a standby: $marker"
}
gpmedic_standby </dev/null
REMOTE
} | within 20 ssh -T -o BatchMode=yes -o ConnectTimeout=5 -- "$1" "exec /bin/sh -s" 2>&1
exit 0
