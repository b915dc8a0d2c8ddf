# For each line "dbid host datadir" on the arguments (three each): what pg_controldata says, and the ends of the newest logs.
# Prints a frame line before each part; changes nothing. A host that does not answer is named and passed over.
marker=$1; shift
silent=' ' # hosts that have not answered: each costs its deadline once
one() { # host dbid datadir
  printf '%s %s %s\n' "$marker" "$2" "$1"
  case $silent in *" $1 "*) echo "$1 has not answered"; return ;; esac
  # The word after ssh's host is run by the login shell there: everything variable goes on stdin.
  { printf 'PATH=%s; export PATH; LC_ALL=C; export LC_ALL; datadir=%s\n' "$(quoted "$PATH")" "$(quoted "$3")"
    printf 'LD_LIBRARY_PATH=%s; export LD_LIBRARY_PATH\n' "$(quoted "${LD_LIBRARY_PATH:-}")"
    cat <<'REMOTE'
echo '== pg_controldata'
pg_controldata "$datadir" 2>&1 | head -n 80
for folder in log pg_log; do
  newest=$(ls -t "$datadir/$folder" 2>/dev/null | head -n 1)
  [ -n "$newest" ] || continue
  echo "== end of $folder/$newest"
  tail -n 60 "$datadir/$folder/$newest" 2>&1 | cut -c 1-400
done
REMOTE
  } | within 20 ssh -T -o BatchMode=yes -o ConnectTimeout=5 -- "$1" "exec /bin/sh -s" 2>&1
  case $? in 124 | 137 | 255) silent="$silent$1 " ;; esac
  printf '\n'
}
quoted() { printf "'"; printf %s "$1" | sed "s/'/'\\\\''/g"; printf "'"; }
while [ $# -ge 3 ]; do
  one "$2" "$1" "$3" </dev/null
  shift 3
done
printf '%s utilities %s\n' "$marker" "$(hostname)"
for log in "$HOME"/gpAdminLogs/gprecoverseg_*.log "$HOME"/gpAdminLogs/gpstate_*.log; do
  [ -f "$log" ] && newest=$log
done
[ -z "${newest:-}" ] || { echo "== end of $newest"; tail -n 40 "$newest" | cut -c 1-400; }
exit 0
