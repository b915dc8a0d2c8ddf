"""What must be known of the hosts before an action: one round of ssh from the coordinator's host, as gpadmin.

POSIX sh alone runs on the hosts: their Python may be Greenplum's own 2.7 (T27).
"""

import math
import re
import secrets
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import Final

from gpmedic.access.scripts import script
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster
from gpmedic.errors import UnreadableOutput
from gpmedic.host_facts import DirectoryFacts, HostFacts, PidState, RunningProcess, UtilityLock
from gpmedic.settings import ClusterSettings

DEADLINE: Final = 20
"""Seconds that a host gets for all its answers."""
AT_ONCE: Final = 64
HOST_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,253}")
_HOST_SCRIPT: Final = "runs+packages+facts_host"
_ENDED: Final = "end - -"


def gather(settings: ClusterSettings, shell: Shell, cluster: Cluster) -> tuple[HostFacts, ...]:
    """The facts of every host, the coordinator's first; a host that does not answer has `reachable` False.

    Args:
        shell: on the coordinator's host.

    Raises:
        HostUnreachable: the connection to the coordinator's host was lost.
    """
    frame = f"gpmedic-{secrets.token_hex(12)}"
    datadirs = {host: tuple(s.datadir for s in cluster.segments if s.hostname == host) for host in cluster.hosts}
    # A name comes from the catalog and becomes an argument of ssh.
    asked = [host for host in cluster.hosts if HOST_NAME.fullmatch(host)]
    words = [
        word for host in asked for word in (host, precheck_script(frame, settings.greenplum.home, *datadirs[host]))
    ]
    head, *parts = ask_all(shell, settings, frame, DEADLINE, words)
    found = {host: _host(host, part, frame, datadirs[host]) for host, part in zip(asked, parts, strict=True)}
    missing = {h: HostFacts(h, reachable=False, detail="this is not a host name") for h in cluster.hosts}
    facts = {**missing, **found}
    coordinator = cluster.coordinator.hostname
    facts[coordinator] = replace(
        facts[coordinator],
        locks=tuple(_locks(head)),
        utilities=tuple(_utilities(head)),
        unfinished_expansion=next(iter(re.findall(r"^expansion (.+)$", head, re.MULTILINE)), ""),
    )
    return tuple(facts[host] for host in cluster.hosts)


def precheck_script(frame: str, home: str, *datadirs: str) -> str:
    """What a host is to run.

    Args:
        home: GPHOME.
    """
    return for_host(_HOST_SCRIPT, f"{frame}-host", home, *datadirs)


def who_works(settings: ClusterSettings, shell: Shell, coordinator: str) -> HostFacts:
    """Locks and utilities at work on the coordinator's host alone: no other host is asked, and no other fact is true.

    Raises:
        HostUnreachable: the connection to it was lost.
    """
    (head,) = ask_all(shell, settings, f"gpmedic-{secrets.token_hex(12)}", DEADLINE, ())
    return HostFacts(coordinator, reachable=True, locks=tuple(_locks(head)), utilities=tuple(_utilities(head)))


def ask_all(
    shell: Shell, settings: ClusterSettings, frame: str, deadline: int, words: Sequence[str]
) -> tuple[str, ...]:
    """What the coordinator's host says of itself, then each host's part; see facts.sh.

    Args:
        deadline: seconds that a host gets for all its answers, half of them to be reached.
        words: a host and its script in turn.
    """
    hosts, scripts = words[::2], words[1::2]
    begin = commonprefix(scripts)  # noqa: RUF071 (texts and no paths); sent once, as hundreds of hosts have it in common
    rests = (word for host, text in zip(hosts, scripts, strict=True) for word in (host, text[len(begin) :]))
    asked = len(hosts)
    done = shell.run(
        script("within", "runs", "facts"),
        *(frame, str(deadline), str(AT_ONCE), settings.greenplum.coordinator_data_directory, begin, *rests),
        timeout=(deadline + 8) * math.ceil(asked / AT_ONCE) + 30,
    )
    parts = done.stdout.split(f"{frame} host ")
    if len(parts) != asked + 1:
        raise UnreadableOutput("gpmedic's look at the hosts", (done.stderr or done.stdout).strip()[-200:])
    return tuple(parts)


def for_host(name: str, frame: str, *words: str) -> str:
    """The script of this name (several, with a plus between them), as a host is to run it."""
    # A function, so that a host to which only half of it comes runs nothing; see ssh.py.
    text = script(*name.split("+"))
    return f"gpmedic_facts() {{\n{text}\n}}\ngpmedic_facts {shlex.join((frame, *words))} </dev/null"


@dataclass(frozen=True, slots=True)
class Answers:
    """One host's part: whether it answered, and the lines that it printed as key, number, value."""

    reachable: bool
    detail: str
    noise: str
    lines: tuple[tuple[str, str, str], ...] = ()
    asked: tuple[int, int] = (0, 0)

    @property
    def single(self) -> dict[str, str]:
        return {key: value for key, number, value in self.lines if number == "-"}

    @property
    def packages(self) -> frozenset[str] | None:
        return frozenset(self.single["packages"].split()) if "packages" in self.single else None

    @property
    def machine(self) -> str:
        """What names the machine itself, whatever name led to it."""
        return self.single.get("machine", "")

    @property
    def clock_skew(self) -> float | None:
        return _skew(self.single.get("clock", ""), *self.asked)


def answers(host: str, part: str, frame: str, deadline: int) -> Answers:
    """Take a host's part to pieces."""
    end, _, rest = part.partition("\n")
    output, _, errors = rest.partition(f"\n{frame} errors\n")
    noise, framed, said_lines = output.partition(f"{frame}-host\n")
    name, code, before, after = end.split(" ")
    if name != host:
        raise UnreadableOutput("gpmedic's look at the hosts", end)
    if not framed or _ENDED not in said_lines:
        said = "; ".join(line.strip() for line in errors.splitlines() if line.strip()) or f"ssh ended with {code}"
        if code in ("124", "137"):
            said = f"no answer within {deadline} s; {said}"
        return Answers(False, said[:400], noise.strip())
    found = [line.split(" ", 2) for line in said_lines.splitlines() if line.count(" ") >= 2]
    lines = tuple((key, number, value) for key, number, value in found)
    return Answers(True, "", noise.strip(), lines, (int(before), int(after)))


def _host(host: str, part: str, frame: str, datadirs: Sequence[str]) -> HostFacts:
    said = answers(host, part, frame, DEADLINE)
    if not said.reachable:
        return HostFacts(host, reachable=False, detail=said.detail, noise=said.noise)
    return HostFacts(
        host,
        reachable=True,
        noise=said.noise,
        version=said.single.get("version", "").strip(),
        packages=said.packages,
        clock_skew=said.clock_skew,
        directories=tuple(_directory(str(number), path, said.lines) for number, path in enumerate(datadirs)),
    )


def _skew(clock: str, before: int, after: int) -> float | None:
    """How far the clock is outside of the time in which it was asked; whole seconds, the clocks are read no finer."""
    if not clock.isdecimal():
        return None
    return float(min(int(clock) - before, 0) + max(int(clock) - after, 0))


def _directory(number: str, path: str, lines: Sequence[tuple[str, str, str]]) -> DirectoryFacts:
    own = [(key, value) for key, n, value in lines if n == number]
    single = dict(own)
    state, _, pid = single.get("postmaster", PidState.NO_FILE.value).partition(" ")
    mode, free = single.get("mode", ""), single.get("free", "")
    return DirectoryFacts(
        path,
        exists="exists" in single,
        writable="writable" in single,
        mode=int(mode, 8) if re.fullmatch("[0-7]+", mode) else None,
        free_percent=float(free) if re.fullmatch(r"[0-9.]+", free) else None,
        standby_markers=tuple(value for key, value in own if key == "marker"),
        cluster_state=single.get("state", "").strip(),
        backup_label="backup" in single,
        postmaster=PidState(state),
        postmaster_pid=int(pid) if pid else None,
        orphans=tuple(_process(value) for key, value in own if key == "orphan"),
        control_file="control" in single,
        parent="parent" in single,
    )


def _locks(head: str) -> Iterator[UtilityLock]:
    for state, pid, utility, path in re.findall(r"^lock (\w+) (\d+) (\S+) (.+)$", head, re.MULTILINE):
        yield UtilityLock(utility, path, PidState(state), int(pid) or None)


def _utilities(head: str) -> Iterator[RunningProcess]:
    for line in re.findall(r"^utility (.+)$", head, re.MULTILINE):
        yield _process(line)


def _process(line: str) -> RunningProcess:
    pid, _, command = line.partition(" ")
    return RunningProcess(int(pid), command)
