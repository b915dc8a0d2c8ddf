# For each line "dbid host datadir" on the arguments (three each): what pg_controldata says, and the ends of the newest
# logs: the instance's own, and those of what copied into its directory. At the end those of the utilities, of here.
# Prints a frame line before each part; changes nothing. A host that does not answer is named and passed over.
marker=$1; shift
silent=' ' # hosts that have not answered: each costs its deadline once
one() { # host dbid datadir
  printf '%s %s %s\n' "$marker" "$2" "$1"
  case $silent in *" $1 "*) echo "$1 has not answered"; return ;; esac
  # The word after ssh's host is run by the login shell there: everything variable goes on stdin.
  { printf 'PATH=%s; export PATH; LC_ALL=C; export LC_ALL; datadir=%s dbid=%s\n' \
    "$(quoted "$PATH")" "$(quoted "$3")" "$(quoted "$2")"
    printf 'LD_LIBRARY_PATH=%s; export LD_LIBRARY_PATH\n' "$(quoted "${LD_LIBRARY_PATH:-}")"
    printf '%s\n' "$end_of"
    cat <<'REMOTE'
echo '== pg_controldata'
pg_controldata "$datadir" 2>&1 | head -n 80
# What a mirror has received is told by its control file minutes later; the name of a WAL file begins with its timeline.
ls "$datadir/pg_wal" "$datadir/pg_xlog" 2>/dev/null | grep -x '[0-9A-F]\{24\}' | sort | tail -n 1 |
  sed 's/^/Newest WAL file: /'
for folder in log pg_log; do
  newest=$(ls -t "$datadir/$folder" 2>/dev/null | head -n 1)
  [ -z "$newest" ] || end_of "$datadir/$folder/$newest"
done
for program in pg_rewind pg_basebackup rsync; do
  end_of "$HOME/gpAdminLogs/$program".*dbid"$dbid".out
done
REMOTE
  } | within 20 ssh -T -o BatchMode=yes -o ConnectTimeout=5 -- "$1" "exec /bin/sh -s" 2>&1
  case $? in 124 | 137 | 255) silent="$silent$1 " ;; esac
  printf '\n'
}
quoted() { printf "'"; printf %s "$1" | sed "s/'/'\\\\''/g"; printf "'"; }
# A function for here and there. The last of the files by name is the newest: there is a time in it. A progress line is
# rewritten with carriage returns: its end is what counts. Whole lines from their beginning: a word PASSWORD that is cut
# off would leave what it hides.
end_of='end_of() {
  for newest in "$@"; do :; done
  [ -f "$newest" ] || return 0
  echo "== end of $newest"
  tail -n 40 "$newest" 2>&1 | tr "\r" "\n" | tail -n 40 | cut -c 1-400
}'
eval "$end_of"
while [ $# -ge 3 ]; do
  one "$2" "$1" "$3" </dev/null
  shift 3
done
printf '%s utilities %s\n' "$marker" "$(hostname)"
for utility in gprecoverseg gpstate gpstop gpstart gpinitstandby; do
  end_of "$HOME/gpAdminLogs/$utility"_*.log
done
exit 0
