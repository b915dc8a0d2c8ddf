"""A file for a utility on the coordinator's host: written for our user alone, its text never in a process list."""

from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused

_WRITE = """umask 077
mkdir -p "${1%/*}" && rm -f "$1.new" && printf '%s' "$2" >"$1.new" && chmod 600 "$1.new" && mv -f "$1.new" "$1"
"""


def write_file(shell: Shell, path: str, text: str) -> None:
    """Write the text under this full path, mode 0600, whole or not at all.

    Raises:
        AccessRefused: it could not be written.
        HostUnreachable: the connection was lost; writing it again is safe.
    """
    done = shell.run(_WRITE, path, text)
    if done.exit_code != 0:
        raise AccessRefused(
            f"{path} could not be written on {shell.host}: {done.stderr.strip()[:200]}; nothing was started.",
            "See whether the disk is full, and whose that folder is.",
        )
