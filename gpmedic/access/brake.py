"""The brake: while it is on, gpmedic starts nothing on a cluster, whoever asks and from wherever.

It is a file on the coordinator's host, `~/.gpmedic/brake-CLUSTER` or `~/.gpmedic/brake` for every cluster of that
account, so that a person without gpmedic can pull it with `touch`. Pulled by gpmedic, it holds for a cluster under all
names that it is registered under. What runs already is never stopped by it.
"""

from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, Braked, UnreadableOutput
from gpmedic.settings import ClusterSettings
from gpmedic.table import plain


def pull(shell: Shell, settings: ClusterSettings, why: str) -> str:
    """Put the brake on; what `pulled` says from now on.

    Args:
        why: who and why, for whoever finds it; its first line is kept.

    Raises:
        AccessRefused: it cannot be written; gpmedic is not stopped.
    """
    return _ask(shell, "on", settings, plain(why)) or ""


def release(shell: Shell, settings: ClusterSettings) -> str | None:
    """Take this cluster's brake off; what is still on: the file for every cluster is removed by hand alone.

    Raises:
        AccessRefused: it cannot be removed.
    """
    return _ask(shell, "off", settings)


def pulled(shell: Shell, settings: ClusterSettings) -> str | None:
    """The file of the brake that is on and what stands in it; None where it is off."""
    return _ask(shell, "show", settings)


def require_released(shell: Shell, settings: ClusterSettings) -> None:
    """Return where the brake is off.

    Raises:
        Braked: it is on.
    """
    why = pulled(shell, settings)
    if why is not None:
        raise Braked(
            f"The brake of {settings.name} is on ({why}); nothing was started.",
            f"When whoever pulled it agrees: gpmedic brake off {settings.name} (or remove that file), then run again.",
        )


def _ask(shell: Shell, verb: str, settings: ClusterSettings, why: str = "") -> str | None:
    directory = settings.greenplum.coordinator_data_directory
    done = shell.run(script("brake"), verb, settings.name, directory, why)
    word, _, rest = done.stdout.strip().partition(" ")
    if word == "ERROR":
        raise AccessRefused(f"The brake on {shell.host} cannot be changed: {rest}.", "Change that file by hand.")
    if word == "ON":
        return plain(rest)
    if word != "OFF":
        raise UnreadableOutput("gpmedic's brake", (done.stdout or done.stderr).strip()[-200:])
    return None
