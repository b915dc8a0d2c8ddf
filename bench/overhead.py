"""A whole recovery beside the utilities that it drives, a shell script of the same runbook, and a playbook of it."""

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
GPMEDIC, SCRIPT, PLAYBOOK = "gpmedic recover", "shell script", "Ansible playbook"
Contender = Callable[[PracticeCluster, str], Cost]


def measure(effort: Effort) -> Result:
    """Each contender recovers the same cluster from the same fault, in turns."""
    figures = Figures()
    with (
        tempfile.TemporaryDirectory(prefix="gpmedic-bench-") as folder,
        local_server(Path(folder)) as api,
        PracticeCluster(f"bench-{os.getpid()}") as cluster,
    ):
        cluster.break_(Fault.SLOW_RESYNC, seconds=effort.resync)
        for _ in range(effort.repetitions):
            for name, contender in _CONTENDERS.items():
                _lose_a_primary(cluster)
                with _watching(cluster) as busy:
                    done = contender(cluster, api)
                cluster.wait_until(_well, 60 + 2 * effort.resync)
                figures.add(
                    name,
                    seconds=done.seconds,
                    utilities_s=busy.seconds,
                    overhead_s=done.seconds - busy.seconds,
                    ratio=done.seconds / busy.seconds,
                    cpu_s=done.cpu,
                )
    own = figures.median(GPMEDIC, "seconds")
    return Result(
        figures.result().figures,
        (
            Goal("gpmedic's time as a multiple of the utilities'", figures.median(GPMEDIC, "ratio"), 1.15),
            Goal("gpmedic's time as a multiple of the shell script's", own / figures.median(SCRIPT, "seconds"), 1),
            Goal("gpmedic's time as a multiple of the playbook's", own / figures.median(PLAYBOOK, "seconds"), 1),
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


class _Busy:
    """How long, since the first gprecoverseg, one ran or a mirror was not in sync."""

    seconds = 0.0


@contextmanager
def _watching(cluster: PracticeCluster) -> Iterator[_Busy]:
    busy, ended = _Busy(), threading.Event()
    before = len(read_invocations(cluster.folder))

    def watch() -> None:
        last, begun = time.perf_counter(), False
        with Control.connect(cluster.folder) as control:
            while not ended.wait(_LOOK_EVERY):
                calls = [c for c in read_invocations(cluster.folder)[before:] if c.command.startswith("gprecoverseg -")]
                calls = [call for call in calls if call.disruptive]
                begun = begun or bool(calls)
                now = time.perf_counter()
                if begun and (any(call.ended is None for call in calls) or not _synchronized(control.facts())):
                    busy.seconds += now - last
                last = now

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield busy
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
