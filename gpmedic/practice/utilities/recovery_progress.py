"""recovery_progress.file of 6 and 7, which gprecoverseg keeps while it copies and gpstate -e reads.

A gprecoverseg that is killed leaves it behind, so that gpstate of 6 shows a recovery that has long ended (T26).
"""

from pathlib import Path

from gpmedic.practice.facts import Facts


def progress_text(facts: Facts) -> str:
    """A line for each copy at work whose size is known: "full:9: 98798/159706 kB (61%)"."""
    copies = ((s.dbid, s.copying) for s in facts.data_segments if s.copying is not None and s.copying.total)
    return "".join(
        f"{copy.kind.value}:{dbid}: {copy.done // 1024}/{copy.total // 1024} kB ({copy.percent}%)\n"
        for dbid, copy in copies
    )


def read_progress() -> str:
    """The file's text, "" where there is none."""
    try:
        return _file().read_text()
    except FileNotFoundError:
        return ""


def keep_progress(facts: Facts) -> None:
    """Write how far the copies are."""
    _file().parent.mkdir(exist_ok=True)
    _file().write_text(progress_text(facts))


def forget_progress() -> None:
    """Delete the file, as a gprecoverseg does that comes to its end."""
    _file().unlink(missing_ok=True)


def _file() -> Path:
    return Path.home() / "gpAdminLogs" / "recovery_progress.file"
