# Prints the line JOBS, then for each job that is RUNNING or ORPHAN the seconds since its start and its key, one a line;
# with $1, of those alone that work on the coordinator in this data directory.
now=$(date +%s)
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
  case $state in RUNNING | ORPHAN) ;; *) continue ;; esac
  began=$now # a launch that is under way has not written it yet
  read -r _ began _ 2>/dev/null <"$folder/start" || :
  list_job "$began"
done
echo END
