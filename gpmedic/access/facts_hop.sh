# A function for other scripts: hop NUMBER HOST prints what `ssh HOST true` came to: hop, number, exit code, words.
hop() {
  said=$(within 15 ssh -T -o BatchMode=yes -o ConnectTimeout=10 -- "$2" true </dev/null 2>&1)
  code=$?
  printf 'hop %s %s %s\n' "$1" "$code" "$(printf '%s' "$said" | tr '\n\r\t' '   ' | cut -c 1-200)"
}
