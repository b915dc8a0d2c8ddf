# Runs on every host, with data directories, each behind "must:" or "may:" (end), and the word "seen" after the last that must.
# Prints the word, PID and DIRECTORY for each postmaster that runs in one of them, whether its pid file is there or not;
# "named", PID and DIRECTORY too for one that must end and is named by its pid file, as a child that still has its arguments
# never is; "seen" in its turn, so that of what must end all is heard although a disk hangs on which another directory lies;
# "end".
print_found() {
  echo "$need $1 $directory"
  [ "$need" != must ] || [ "$1" != "$pid" ] || echo "named $1 $directory"
}
processes=$(ps -ww -eo pid=,args=)
for asked in "$@"; do
  if [ "$asked" = seen ]; then echo seen; continue; fi
  need=${asked%%:*} directory=${asked#*:}
  pid=
  [ ! -e "$directory/postmaster.pid" ] || read -r pid 2>/dev/null <"$directory/postmaster.pid" || :
  pid=${pid#-} # as a single-user postgres writes it
  case $pid in '' | *[!0-9]*) pid=0 ;; esac
  printf '%s\n' "$processes" | GPMEDIC_DIRECTORY=$directory awk -v named="$pid" '
    BEGIN { directory = ENVIRON["GPMEDIC_DIRECTORY"] }
    / -D / && (at = index($0, " -D " directory)) > 0 {
      if (substr($0, at + 4 + length(directory)) ~ /^(\/? |\/?$)/ && $2 ~ /(^|\/)(postgres|postmaster)$/) { print $1; next } }
    $1 == named && index($0, directory) > 0 { print $1 }' |
    while read -r found; do
      ! runs "$found" || print_found "$found"
    done
  # A postmaster works in its data directory, also where its arguments name it by a link.
  if [ "$pid" -gt 0 ] && [ "/proc/$pid/cwd" -ef "$directory" ]; then print_found "$pid"; fi
done
echo end
