# gpmedic's own lock on a cluster. $1 take, beat, release or show; $2 cluster, $3 token of the owner, $4 the owner in words,
# $5 seconds without a heartbeat after which a lock is given up, $6 an owner who is known to be dead, or nothing.
# The lock is a file: token, time of heartbeat, owner.
# Prints TAKEN, KEPT, FREE, or HELD with age and owner. Only this host's clock is asked.
folder=$HOME/.gpmedic/locks
lock=$folder/$2
umask 077
mkdir -p "$folder" 2>/dev/null || { echo "ERROR $folder cannot be made"; exit 73; }
if command -v flock >/dev/null 2>&1; then # one at a time; elsewhere (macOS) the link below decides alone
  ( : >>"$folder/guard" ) 2>/dev/null || { echo "ERROR $folder cannot be written"; exit 73; }
  exec 9>>"$folder/guard" # tried before, because a failing exec ends the shell without a word
  flock -w 10 9 || { echo "ERROR $folder/guard is held"; exit 75; }
fi
token='' beat=0 owner=''
if [ -e "$lock" ]; then read -r token beat owner <"$lock" || :; fi
case $beat in '' | *[!0-9]*) beat=0 ;; esac
age=$(($(date +%s) - beat))

write() { printf '%s %s %s\n' "$1" "$(date +%s)" "$2" >"$lock.$1" && [ -s "$lock.$1" ]; }

case $1 in
take)
  if [ -n "$token" ] && [ "$age" -le "$5" ] && { [ -z "$6" ] || [ "$owner" != "$6" ]; }; then echo "HELD $age $owner"; exit 0; fi
  write "$3" "$4" || { rm -f "$lock.$3"; echo "ERROR $lock cannot be written"; exit 73; }
  rm -f "$lock"
  # A link is made by one alone, whoever else tries at the same moment.
  if ln "$lock.$3" "$lock" 2>/dev/null; then echo TAKEN; else echo "HELD 0 somebody who came at the same moment"; fi
  rm -f "$lock.$3" ;;
beat)
  [ "$token" = "$3" ] || { echo "FREE"; exit 0; }
  if write "$3" "$4" && mv "$lock.$3" "$lock"; then echo KEPT; else echo "ERROR $lock cannot be written"; fi ;;
release)
  [ "$token" != "$3" ] || rm -f "$lock"
  echo FREE ;;
show)
  if [ -n "$token" ]; then echo "HELD $age $owner"; else echo FREE; fi ;;
esac
