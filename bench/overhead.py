"""A whole recovery beside the utilities that it drives, a shell script of the same runbook, and a playbook of it."""

import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cost import Cost, cost_of
from bench.figures import Figures, Goal, Result
from bench.part import Effort
from flows.local_server import local_server
from gpmedic.cluster import Mode, Status
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.practice.control import Control
from gpmedic.practice.invocations import read_invocations
from gpmedic.settings import CONFIG_VARIABLE

_HERE = Path(__file__).parent
_COMMAND = "from gpmedic.cli import main; main()"
_LOOK_EVERY = 0.05
# In each repetition another resynchronization, and none a multiple of the ten seconds after which script and playbook
# look again: else they would all find it just ended, or just not.
_LONGER = (1, 3, 5, 7, 9)
GPMEDIC, SCRIPT, PLAYBOOK = "gpmedic recover", "shell script", "Ansible playbook"
_WELL = "well after s"
Contender = Callable[[PracticeCluster, str], Cost]


def measure(effort: Effort) -> Result:
    """Each contender recovers the same cluster from the same fault, in turns."""
    figures = Figures()
    with (
        tempfile.TemporaryDirectory(prefix="gpmedic-bench-") as folder,
        local_server(Path(folder)) as api,
        PracticeCluster(f"bench-{os.getpid()}") as cluster,
    ):
        for turn in range(effort.repetitions):
            resync = effort.resync + _LONGER[turn % len(_LONGER)]
            cluster.break_(Fault.SLOW_RESYNC, seconds=resync)
            for name, contender in _CONTENDERS.items():
                _lose_a_primary(cluster)
                with _watching(cluster) as watched:
                    done = contender(cluster, api)
                    busy = watched.busy
                    cluster.wait_until(watched.is_well, 60 + 2 * resync)
                figures.add(
                    name,
                    well_after_s=watched.well or math.nan,
                    seconds=done.seconds,
                    utilities_s=busy,
                    overhead_s=done.seconds - busy,
                    ratio=done.seconds / busy,
                    cpu_s=done.cpu,
                )
    own = figures.median(GPMEDIC, _WELL)
    return Result(
        figures.result().figures,
        (
            Goal("gpmedic's time as a multiple of the utilities'", figures.median(GPMEDIC, "ratio"), 1.15),
            Goal("until well, as a multiple of the shell script's time", own / figures.median(SCRIPT, _WELL), 1),
            Goal("until well, as a multiple of the playbook's time", own / figures.median(PLAYBOOK, _WELL), 1),
        ),
    )


def _lose_a_primary(cluster: PracticeCluster) -> None:
    cluster.break_(Fault.KILL_PRIMARY, content=2)
    cluster.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.data_segments), 60)


def _well(facts: Facts) -> bool:
    segments = facts.data_segments
    return _synchronized(facts) and all(s.role is s.preferred_role for s in segments)


def _synchronized(facts: Facts) -> bool:
    return all(s.status is Status.UP and s.mode is Mode.SYNCHRONIZED for s in facts.data_segments)


class _Watched:
    """What was seen of the cluster since a contender began, in seconds.

    Attributes:
        busy: how long, since the first gprecoverseg, one ran or a mirror was not in sync.
        well: since when the cluster is well; None while it is not.
    """

    busy = 0.0
    well: float | None = None

    def is_well(self, _: Facts) -> bool:
        return self.well is not None


@contextmanager
def _watching(cluster: PracticeCluster) -> Iterator[_Watched]:
    watched, ended = _Watched(), threading.Event()
    before = len(read_invocations(cluster.folder))
    began = time.perf_counter()

    def watch() -> None:
        last, begun = began, False
        with Control.connect(cluster.folder) as control:
            while not ended.wait(_LOOK_EVERY):
                calls = [c for c in read_invocations(cluster.folder)[before:] if c.command.startswith("gprecoverseg -")]
                calls = [call for call in calls if call.disruptive]
                begun = begun or bool(calls)
                now, facts = time.perf_counter(), control.facts()
                if begun and (any(call.ended is None for call in calls) or not _synchronized(facts)):
                    watched.busy += now - last
                if not _well(facts):
                    watched.well = None
                elif watched.well is None:
                    watched.well = now - began
                last = now

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        ended.set()
        thread.join()


def _gpmedic(cluster: PracticeCluster, api: str) -> Cost:
    registered = cluster.folder / "clusters" / f"{cluster.name}.toml"
    registered.parent.mkdir(exist_ok=True)
    registered.write_text((cluster.folder / "cluster.toml").read_text())
    environment = {"PREFECT_API_URL": api, CONFIG_VARIABLE: str(registered.parent)}
    return cost_of([sys.executable, "-c", _COMMAND, "recover", cluster.name, "--yes"], environment)


def _script(cluster: PracticeCluster, _: str) -> Cost:
    settings = cluster.settings
    words = (settings.greenplum.home, settings.greenplum.coordinator_data_directory, str(settings.database.port))
    return cost_of(["ssh", "-F", f"{cluster.folder}/ssh_config", "mdw", "sh", str(_HERE / "runbook.sh"), *words])


def _playbook(cluster: PracticeCluster, _: str) -> Cost:
    settings = cluster.settings
    variables = {
        "home": settings.greenplum.home,
        "data_directory": settings.greenplum.coordinator_data_directory,
        "database_port": settings.database.port,
    }
    given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    environment = {
        "ANSIBLE_SSH_ARGS": f"-F {cluster.folder}/ssh_config",
        "ANSIBLE_SSH_USETTY": "False",
        "ANSIBLE_HOME": str(cluster.folder / "ansible"),
        "LC_ALL": "C.UTF-8",
    }
    program = f"{Path(sys.executable).parent}/ansible-playbook"
    return cost_of([program, "-i", "mdw,", str(_HERE / "runbook.yaml"), *given], environment)


_CONTENDERS: dict[str, Contender] = {GPMEDIC: _gpmedic, SCRIPT: _script, PLAYBOOK: _playbook}
