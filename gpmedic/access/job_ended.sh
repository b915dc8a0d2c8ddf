# Prints the line JOBS, then for each job that is DONE or LOST its age and its key, one a line; the age in seconds.
now=$(date +%s)
echo JOBS
for folder in "$HOME/.gpmedic/jobs"/*; do
  [ -d "$folder" ] || continue
  last=exit_code
  if [ ! -s "$folder/exit_code" ]; then
    find_state
    [ "$state" = LOST ] || continue
    last=out # nobody has seen its end: the last that it said is the best that is known
  fi
  when=$(stat -c %Y "$folder/$last" 2>/dev/null || stat -f %m "$folder/$last" 2>/dev/null) || continue
  list_job "$when"
done
echo END
