# Prints the line JOBS, then the key of each job that is RUNNING or ORPHAN, one a line.
echo JOBS
for folder in "$HOME/.gpmedic/jobs"/*; do
  [ -d "$folder" ] && [ ! -s "$folder/exit_code" ] || continue
  find_state
  case $state in RUNNING | ORPHAN) printf '%s\n' "${folder##*/}" ;; esac
done
echo END
