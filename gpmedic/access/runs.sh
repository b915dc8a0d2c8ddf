# runs PID: whether this process lives; a zombie does not, and the number of a thread is no process. The kernel's own word
# where it gives one: ps reads all of /proc.
if [ -r /proc/self/stat ]; then
  runs() {
    process='' group=''
    read -r process 2>/dev/null <"/proc/$1/stat" || :
    case ${process##*) } in '' | Z* | X*) return 1 ;; esac
    while read -r key value; do
      if [ "$key" = Tgid: ]; then group=$value; break; fi
    done 2>/dev/null <"/proc/$1/status"
    [ "$group" = "$1" ]
  }
else
  runs() { case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac; }
fi
