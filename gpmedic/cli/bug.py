"""A failure that nobody expected: told in one line, its traceback kept for whoever mends it."""

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from gpmedic.errors import AccessRefused, GpmedicError, HostUnreachable
from gpmedic.masking import fit_to_keep

STATE_FOLDER = Path("~/.local/state/gpmedic")


class Bug(GpmedicError):
    """Any exception that is not a GpmedicError. Its text is only in the file: it may quote anything."""

    def __init__(self, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).stem}-{frames[-1].lineno}" if frames else "nowhere"
        name = f"{type(error).__name__}-{place}"
        super().__init__(
            f"This is a bug of gpmedic ({name}); as far as it knows the cluster was left as it was at that moment. "
            f"{_kept(error, name)}",
            "Run it again: it first looks at what is there. If it fails again, report that file, and look at the "
            "cluster with `gpstate -s`.",
        )


def told(error: Exception) -> GpmedicError:
    """What a person is told of an exception that is not a GpmedicError: a server that refuses or is away is no bug."""
    import httpx

    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 401:
        return AccessRefused(
            f"The Prefect server at {error.request.url.host} has refused this call (401): it wants another login.",
            "Set PREFECT_API_AUTH_STRING to what the server has as PREFECT_SERVER_API_AUTH_STRING.",
        )
    if isinstance(error, httpx.TransportError):
        return HostUnreachable(
            f"The Prefect server does not answer any more ({type(error).__name__}); what was started goes on.",
            "See to the server, then start this again: it first looks at what is there.",
        )
    return Bug(error)


def _kept(error: Exception, name: str) -> str:
    """Where the traceback lies now. The same bug has the same file: a monitor meets it every minute."""
    from importlib.metadata import version

    head = (
        f"gpmedic {version('gpmedic')}, Python {sys.version}\n{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {sys.argv}\n"
    )
    try:
        folder = STATE_FOLDER.expanduser()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, fresh = tempfile.mkstemp(dir=folder)  # 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(fit_to_keep(head + "".join(traceback.format_exception(error))))
        path = folder / f"bug-{name}.txt"
        Path(fresh).rename(path)
    except Exception as failure:  # no home, no space: the bug itself is told all the same
        return f"Its traceback could not be kept ({failure})."
    return f"Its traceback is in {path}."
