"""A practice cluster that is registered as `sales`, and what gpmedic prints on it, part by part."""

import os
import pty
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from pathlib import Path

from flows.local_server import local_server
from gpmedic.access.observe import Observation, observe
from gpmedic.cluster import Status
from gpmedic.picture import Picture, before_and_after, picture
from gpmedic.picture_svg import picture_svg
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.practice.layout import Mirrors
from gpmedic.settings import ClusterSettings, load_cluster
from tests.artifacts import newest_page
from tests.people import by_hand

NAME = "sales"
WIDTH = 100
ROWS = 600
SLOWER = 2
"""Seconds that a mirror needs longer to catch up, so that the wait is seen."""
WITHIN = 300.0
"""Seconds for one command."""


class Users(Enum):
    """What those who use the database do meanwhile."""

    WRITE = "write rows, and the mirrors have something to catch up with"
    AWAY = "nothing: a content that stays lost would refuse their rows"


class Play:
    """What a scenario does and shows; `parts` are its files, by their names."""

    def __init__(self, cluster: PracticeCluster) -> None:
        self.cluster = cluster
        self.parts: dict[str, str] = {}
        self._before: Picture | None = None

    @property
    def settings(self) -> ClusterSettings:
        return load_cluster(NAME)

    def breaks(self, fault: Fault, **target: object) -> None:
        self.cluster.break_(fault, **target)

    def heals(self, fault: Fault, **target: object) -> None:
        self.cluster.heal(fault, **target)

    def waits_until_down(self, segments: int) -> None:
        """Until FTS has marked so many segments of contents down."""
        self.cluster.wait_until(lambda f: sum(s.status is Status.DOWN for s in f.data_segments) == segments, WITHIN)

    def by_hand(self, *argv: str) -> None:
        """A utility as an administrator runs it on the coordinator's host, before gpmedic is called."""
        by_hand(self.cluster, *argv)

    def shows(self, part: str, *arguments: str, exit_code: int) -> None:
        """Run `gpmedic ARGUMENTS` and keep what a terminal would show, its exit code too.

        Its standard input is a terminal at which nobody sits: `--yes` answers where something is asked.
        """
        asking, asked = pty.openpty()
        try:
            self._shows(part, arguments, exit_code, asked)
        finally:
            os.close(asking)
            os.close(asked)

    def _shows(self, part: str, arguments: tuple[str, ...], exit_code: int, stdin: int) -> None:
        run = subprocess.run(
            [sys.executable, "-c", "from gpmedic.cli import main; main()", *arguments],
            env={**os.environ, "COLUMNS": str(WIDTH)},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        assert run.returncode == exit_code, run.stdout
        self.parts[f"{part}.txt"] = as_typed(shlex.join(("gpmedic", *arguments)), run.stdout, run.returncode)

    def shows_page(self, part: str, kind: str) -> None:
        """Keep a page that the run has left in Prefect."""
        self.parts[f"{part}.md"] = newest_page(kind, NAME).strip() + "\n"

    def draws(self, name: str = "picture") -> None:
        """Keep the picture of the cluster as it is."""
        self._before = _picture(observe(self.settings))
        self.parts[f"{name}.svg"] = picture_svg(self._before)

    def draws_before_and_after(self) -> None:
        """Keep the picture that was drawn last beside one of now."""
        assert self._before is not None, "draw first"
        both = before_and_after(self._before, _picture(observe(self.settings)))
        self.parts["picture.svg"] = picture_svg(*both)


def as_typed(command: str, output: str, exit_code: int) -> str:
    """A command as a terminal shows it, with its output and its exit code."""
    lines = [f"$ {command}", *(line.rstrip() for line in output.rstrip().splitlines()), "$ echo $?", str(exit_code)]
    return "\n".join(lines) + "\n"


def _picture(seen: Observation) -> Picture:
    assert seen.diagnosis.cluster is not None, "nothing is known of the segments"
    return picture(seen.diagnosis.cluster, seen.diagnosis.probes)


@contextmanager
def playing(name: str, generation: str, mirrors: Mirrors, users: Users, folder: Path) -> Iterator[Play]:
    """A fresh practice cluster and a Prefect server of its own.

    Args:
        name: of the practice cluster; gpmedic knows it as `sales`.
        folder: an empty one.
    """
    clusters, prefect = folder / "clusters", folder / "prefect"
    clusters.mkdir(parents=True)
    prefect.mkdir()
    with (
        _short_folder() as short,
        PracticeCluster(name, generation, short / "lab", mirrors=mirrors) as cluster,
        local_server(prefect) as url,
        _variables(GPMEDIC_CLUSTERS=str(clusters), PREFECT_API_URL=url),
    ):
        settings = (cluster.folder / "cluster.toml").read_text()
        (clusters / f"{NAME}.toml").write_text(settings.replace(f'name = "{name}"', f'name = "{NAME}"', 1))
        cluster.write_rows(ROWS)
        with cluster.writing_rows() if users is Users.WRITE else nullcontext():
            cluster.break_(Fault.SLOW_RESYNC, seconds=SLOWER)
            yield Play(cluster)


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Directories are shown on pages: a short name, and one that every run has as long."""
    memory = Path("/dev/shm")  # noqa: S108 (mkdtemp)
    folder = Path(tempfile.mkdtemp(prefix="gp-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)  # servers run as another user where we are root
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _variables(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
