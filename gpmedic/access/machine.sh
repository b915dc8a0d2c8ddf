# Names this run of the host's kernel. GPMEDIC_BOOT_ID stands in for it: tests set it to play a reboot, the practice
# cluster to make hosts of one machine several.
boot_id() {
  if [ -n "${GPMEDIC_BOOT_ID:-}" ]; then printf '%s\n' "$GPMEDIC_BOOT_ID"
  elif [ -r /proc/sys/kernel/random/boot_id ]; then cat /proc/sys/kernel/random/boot_id
  else sysctl -n kern.boottime | tr -dc '0-9a-zA-Z'; echo; fi
}

# Names the machine itself, whatever name led to it: containers of one kernel differ in their host names, and machines that
# were cloned with their host name and machine-id differ in what their kernels call themselves.
machine() { printf '%s %s\n' "$(boot_id)" "$(uname -n)"; }
