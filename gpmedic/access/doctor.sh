# What gpmedic needs of its account on the coordinator's host. $1 the names of programs, with blanks between them.
# Prints the user, the clock, a line for each program that is there, and one for each folder that cannot be written.
# Leaves nothing behind.
echo "user ${LOGNAME:-$(id -un)}"
echo "clock $(date +%s)"
for tool in $1; do
  ! command -v "$tool" >/dev/null 2>&1 || echo "tool $tool"
done
umask 077
trial=
trap '[ -z "$trial" ] || rm -f "$trial"' EXIT
try() { # folder
  trial=$1/.gpmedic-trial.$$
  # Written to, because a full disk still lets an empty file be made.
  { printf '%8192s' '' >"$trial"; } 2>/dev/null && [ "$(wc -c <"$trial")" -eq 8192 ] || echo "unwritable $1"
  rm -f "$trial"
  trial=
}
folder=$HOME/.gpmedic
if [ ! -e "$folder" ] && [ ! -L "$folder" ]; then try "$HOME"; fi
for each in "$folder" "$folder/jobs" "$folder/locks"; do
  if [ -e "$each" ] || [ -L "$each" ]; then try "$each"; fi
done
echo "folder $folder"
exit 0
