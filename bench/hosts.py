"""Prechecks of many hosts at once: gpmedic beside what else reaches hundreds of hosts by ssh.

Every tool has each host run the same script, that of the prechecks, and then one that does nothing. gpmedic sends the
script; for the others it lies on the hosts already. Of gpmedic and parallel-ssh, which a worker has loaded long before,
only the work counts.
"""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from bench.cost import Cost, cost_of
from bench.figures import Figures, Goal, Result
from bench.part import Effort
from bench.working import said_by
from gpmedic.access.facts import AT_ONCE, DEADLINE, precheck_script
from gpmedic.access.scripts import script
from gpmedic.practice.layout import SETTINGS
from gpmedic.practice.scale import ScaleCluster, scale_cluster

_FORKS = 50
_FRAME = "bench"
_NOTHING = "true"
Tool = Callable[[ScaleCluster, tuple[str, ...], Path], Cost]


def measure(effort: Effort) -> Result:
    """All tools in turns, at each number of hosts."""
    figures = Figures()
    with scale_cluster(max(effort.hosts) + 1) as cluster:
        for number in effort.hosts:
            cluster.fill(2 * number, number)
            hosts = cluster.hosts[1 : 1 + number]
            scripts = {"prechecks": _prechecks(cluster), _NOTHING: _nothing(cluster)}
            for _ in range(effort.repetitions):
                for what, path in scripts.items():
                    for name, tool in _TOOLS.items():
                        done = tool(cluster, hosts, path)
                        measured = {"seconds": done.seconds, "cpu_s": done.cpu, **said_by(done.output)}
                        figures.add(f"{number} hosts, {what}: {name}", **measured, MB=done.peak_mb)
    most = f"{max(effort.hosts)} hosts, prechecks: "
    ansible = figures.median(most + "ansible", "cpu s")
    own = figures.median(most + "gpmedic", "cpu s")
    fan_out = figures.median(most + "gpmedic on the coordinator's host", "cpu s")
    ratio = figures.median(most + "gpmedic", "seconds") / figures.median(most + "parallel-ssh", "seconds")
    return Result(
        figures.result().figures,
        (
            Goal(f"{most}time as a multiple of parallel-ssh's", ratio, 1),
            Goal(f"{most}own processor time as a share of Ansible's", own / ansible, 0.1),
            Goal(f"{most}the same with that on the coordinator's host", (own + fan_out) / ansible, 0.1),
            Goal(f"{most}MB", figures.median(most + "gpmedic", "MB"), 150),
        ),
    )


def _prechecks(cluster: ScaleCluster) -> Path:
    home, data = cluster.settings.greenplum.home, str(cluster.folder / "data")
    return _written(cluster, "prechecks.sh", precheck_script(_FRAME, home, data, data))


def _nothing(cluster: ScaleCluster) -> Path:
    return _written(cluster, "nothing.sh", f"printf '%s\\n' {_FRAME}-host 'end - -'")


def _written(cluster: ScaleCluster, name: str, text: str) -> Path:
    path = cluster.folder / name
    path.write_text(text + "\n")
    return path


def _gpmedic(cluster: ScaleCluster, hosts: tuple[str, ...], path: Path) -> Cost:
    argv = [sys.executable, "-m", "bench.hosts_gpmedic", str(cluster.folder / SETTINGS), str(path), _FRAME, *hosts]
    return cost_of(argv)


def _on_the_coordinator(cluster: ScaleCluster, hosts: tuple[str, ...], path: Path) -> Cost:
    """What gpmedic has run there, without gpmedic: the same script, started here."""
    words = [path.read_text(), *(word for host in hosts for word in (host, ""))]
    # As `Shell.run`: words on the command line would be read by the `ps` of every host, for all are this machine.
    given = shlex.join([_FRAME, str(DEADLINE), str(AT_ONCE), str(cluster.folder), *words])
    fan_out = _written(cluster, "fan_out.sh", f"set -- {given}\n{script('within', 'runs', 'facts')}")
    environment = {"PATH": f"{cluster.folder}/system/bin:{os.environ['PATH']}"}
    return _complete(cost_of(["/bin/sh", str(fan_out)], environment), hosts)


def _parallel_ssh(cluster: ScaleCluster, hosts: tuple[str, ...], path: Path) -> Cost:
    ports = [str(cluster.ports[host]) for host in hosts]
    argv = [sys.executable, "-m", "bench.hosts_pssh", str(cluster.folder / "id_ed25519"), f"sh {path}", *ports]
    return _complete(cost_of(argv), hosts)


def _ansible(cluster: ScaleCluster, hosts: tuple[str, ...], path: Path) -> Cost:
    inventory = _written(cluster, "inventory", "\n".join(hosts))
    argv = [f"{Path(sys.executable).parent}/ansible", "all", "-i", str(inventory), "-m", "raw", "-f", str(_FORKS)]
    environment = {
        "ANSIBLE_SSH_ARGS": f"-F {cluster.folder}/ssh_config",
        "ANSIBLE_SSH_USETTY": "False",
        "ANSIBLE_HOME": str(cluster.folder / "ansible"),
        "LC_ALL": "C.UTF-8",
    }
    return _complete(cost_of([*argv, "-a", f"sh {path}"], environment), hosts)


def _ssh_processes(cluster: ScaleCluster, hosts: tuple[str, ...], path: Path) -> Cost:
    ssh = f"ssh -F {cluster.folder}/ssh_config -o BatchMode=yes"
    each = f"printf '%s\\n' {' '.join(hosts)} | xargs -P {_FORKS} -I @ {ssh} @ sh {shlex.quote(str(path))}"
    return _complete(cost_of(["/bin/sh", "-c", each]), hosts)


def _complete(done: Cost, hosts: tuple[str, ...]) -> Cost:
    answered = done.output.count("end - -")
    if answered != len(hosts):
        raise RuntimeError(f"{answered} of {len(hosts)} hosts have answered: {done.output[-1000:]}")
    return done


_TOOLS: dict[str, Tool] = {
    "gpmedic": _gpmedic,
    "gpmedic on the coordinator's host": _on_the_coordinator,
    "parallel-ssh": _parallel_ssh,
    "ansible": _ansible,
    "ssh processes": _ssh_processes,
}
