# gpmedic's own lock on a cluster. $1 take, beat, release or show; $2 cluster, $3 token of the owner, $4 the owner in words,
# $5 seconds without a heartbeat after which a lock is given up, $6 an owner who is known to be dead, or nothing; $7 the
# coordinator's data directory, or nothing.
# The lock is two files, one by the name and one by the data directory, because one cluster may be registered under two
# names; each holds: token, time of heartbeat, cluster, owner. Both belong to one owner, or neither does.
# Prints TAKEN, KEPT, FREE, or HELD with age, time of heartbeat, cluster and owner. Only this host's clock is asked.
folder=$HOME/.gpmedic/locks
umask 077
mkdir -p "$folder" 2>/dev/null || { echo "ERROR $folder cannot be made"; exit 73; }
if command -v flock >/dev/null 2>&1; then # one at a time; elsewhere (macOS) the link below decides alone
  ( : >>"$folder/.guard" ) 2>/dev/null || { echo "ERROR $folder cannot be written"; exit 73; }
  exec 9>>"$folder/.guard" # tried before, because a failing exec ends the shell without a word
  flock -w 10 9 || { echo "ERROR $folder/.guard is held"; exit 75; }
fi
by_name=$folder/$2
by_directory=
if [ -n "$7" ]; then
  real=$(cd "$7" 2>/dev/null && pwd -P) || real=$7
  by_directory=$folder/.directory-$(printf %s "$real" | cksum | tr ' ' -)
fi

read_lock() { # sets token, age, cluster, owner
  token='' beat=0 cluster='' owner=''
  if [ -e "$1" ]; then read -r token beat cluster owner <"$1" || :; fi
  case $beat in '' | *[!0-9]*) beat=0 ;; esac
  age=$(($(date +%s) - beat))
}
write() { # file, token, cluster, owner
  printf '%s %s %s %s\n' "$2" "$(date +%s)" "$3" "$4" >"$1.$2" && [ -s "$1.$2" ]
}
take() { # file, token, cluster, owner, stale after, dead owner
  read_lock "$1"
  if [ -n "$token" ] && [ "$age" -le "$5" ] && { [ -z "$6" ] || [ "$owner" != "$6" ]; }; then
    echo "HELD $age $beat $cluster $owner"; return 1
  fi
  write "$1" "$2" "$3" "$4" || { rm -f "$1.$2"; echo "ERROR $1 cannot be written"; return 1; }
  rm -f "$1"
  # A link is made by one alone, whoever else tries at the same moment.
  taken=0
  ln "$1.$2" "$1" 2>/dev/null || { taken=1; echo "HELD 0 0 $3 somebody who came at the same moment"; }
  rm -f "$1.$2"
  return $taken
}
release() { # file, token
  read_lock "$1"
  [ "$token" != "$2" ] || rm -f "$1"
}

case $1 in
take)
  take "$by_name" "$3" "$2" "$4" "$5" "$6" || exit 0
  if [ -n "$by_directory" ]; then
    take "$by_directory" "$3" "$2" "$4" "$5" "$6" || { release "$by_name" "$3"; exit 0; }
  fi
  echo TAKEN ;;
beat)
  for lock in "$by_name" "$by_directory"; do
    read_lock "$lock"
    # A sign of life that comes too late renews nothing: meanwhile somebody may have looked, and worked by hand.
    [ -z "$lock" ] || { [ "$token" = "$3" ] && [ "$age" -le "$5" ]; } || { echo FREE; exit 0; }
  done
  for lock in "$by_name" "$by_directory"; do
    [ -z "$lock" ] || { write "$lock" "$3" "$2" "$4" && mv "$lock.$3" "$lock"; } ||
      { echo "ERROR $lock cannot be written"; exit 0; }
  done
  echo KEPT ;;
release)
  for lock in "$by_name" "$by_directory"; do [ -z "$lock" ] || release "$lock" "$3"; done
  echo FREE ;;
show)
  read_lock "$by_name"
  if [ -n "$token" ]; then echo "HELD $age $beat $cluster $owner"; else echo FREE; fi ;;
esac
