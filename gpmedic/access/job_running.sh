# Prints the line JOBS, then the key of each job that is RUNNING or ORPHAN, one a line; with $1, of those alone that work on
# the coordinator in this data directory.
echo JOBS
for folder in "$HOME/.gpmedic/jobs"/*; do
  [ -d "$folder" ] && [ ! -s "$folder/exit_code" ] || continue
  if [ -n "${1:-}" ]; then
    theirs=
    read -r theirs 2>/dev/null <"$folder/data_directory" || :
    # The same folder has many names: links, a slash at the end.
    [ -n "$theirs" ] && { [ "$theirs" = "$1" ] || [ "$theirs" -ef "$1" ]; } || continue
  fi
  find_state
  case $state in RUNNING | ORPHAN) printf '%s\n' "${folder##*/}" ;; esac
done
echo END
