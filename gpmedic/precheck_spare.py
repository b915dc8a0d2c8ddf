"""What must hold of a spare host before segments are moved to it: a pure judgement of facts that were gathered."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster
from gpmedic.precheck import CLOCK_TOLERANCE
from gpmedic.recovery_config import Place, RecoveryConfig
from gpmedic.recovery_config_lint import find
from gpmedic.room import TargetDirectory, fits
from gpmedic.settings import PolicySettings
from gpmedic.spare_facts import Hop, SpareFacts
from gpmedic.table import plain


@dataclass(frozen=True, slots=True)
class Reference:
    """What the coordinator's host has, and the spare must have too."""

    version: str
    user: str
    packages: frozenset[str] | None = None


def judge_spare(
    config: RecoveryConfig, cluster: Cluster, facts: SpareFacts, reference: Reference, policy: PolicySettings
) -> tuple[Check, ...]:
    """Every check of the spare, for the lines that move segments to it."""
    checks = [_two_hosts(config, cluster, facts), *_host(facts, reference)]
    if facts.reachable:
        checks.append(_packages(cluster, facts, reference))
        checks += [_hop(hop, facts.host) for hop in facts.hops] or [_no_hop(facts.host)]
        targets = [line.target for line in config.lines if line.target is not None]
        checks += [_ports(target, facts) for target in targets]
        checks += [c for t in targets for path in (t.directory, *t.filespaces) for c in _directory(path, facts)]
        checks += _space(config, cluster, facts, policy)
    return tuple(replace(c, detail=plain(c.detail)) for c in checks)  # what hosts said stays on its line


def _two_hosts(config: RecoveryConfig, cluster: Cluster, facts: SpareFacts) -> Check:
    """gprecoverseg puts a mirror beside its primary with a mere warning (T20), and knows hosts by their names alone."""
    beside = []
    for line in config.lines:
        segment = find(line.failed, cluster)
        primaries = [s for s in cluster.acting_primaries if segment is not None and s.content == segment.content]
        if any(_leads_to(line.target, p.hostname, p.address) or p.hostname in facts.same_machine for p in primaries):
            beside.append(str(primaries[0].content))
    if beside:
        detail = f"content {', '.join(beside)} would have both copies on one host"
        return _failed(CheckName.TWO_HOSTS, facts.host, detail, "Name a spare that holds no copy of these contents.")
    return Check(CheckName.TWO_HOSTS, facts.host, Verdict.PASS, "afterwards no pair has both copies on one host")


def _leads_to(target: Place | None, *names: str) -> bool:
    return target is not None and bool({target.hostname, target.address} & set(names))


def _host(facts: SpareFacts, reference: Reference) -> Iterator[Check]:
    host = facts.host
    if not facts.reachable:
        detail = f"not reachable from the coordinator: {facts.detail or 'no reason given'}"
        action = f"From the coordinator, as its user, try `ssh {host} true`; check name, power, network, sshd and keys."
        yield _failed(CheckName.HOST_REACHABLE, host, detail, action)
        return
    yield Check(CheckName.HOST_REACHABLE, host, Verdict.PASS, "answers the coordinator over ssh")
    if facts.noise:
        yield _failed(CheckName.QUIET_SSH, host, f"`ssh {host} true` prints {facts.noise[:80]!r}", _SILENCE)
    else:
        yield Check(CheckName.QUIET_SSH, host, Verdict.PASS, "prints nothing of its own")
    yield _alike(CheckName.SAME_VERSION, host, facts.version, reference.version, "Install the coordinator's Greenplum")
    yield _alike(CheckName.SAME_USER, host, facts.user, reference.user, "Let the coordinator's user log in as itself")
    if facts.clock_skew is not None and abs(facts.clock_skew) > CLOCK_TOLERANCE:
        detail = f"its clock is {facts.clock_skew:+.0f} s from the coordinator's"
        yield Check(CheckName.CLOCK, host, Verdict.WARN, detail, "Set the clocks: logs cannot be put in order.")


_SILENCE: Final = "Silence banner and profile of that account: the output of Greenplum's utilities is read from there."


def _alike(name: CheckName, host: str, seen: str, wanted: str, action: str) -> Check:
    if seen and seen == wanted:
        return Check(name, host, Verdict.PASS, seen[:80])
    what = f"{seen[:80]!r}" if seen else "it told nothing"
    return _failed(name, host, f"{what}, but {wanted[:80]!r} on the coordinator", f"{action} on {host}.")


def _packages(cluster: Cluster, facts: SpareFacts, reference: Reference) -> Check:
    """Functions of an extension fail on a segment whose host has no library of it."""
    host, seen, wanted = facts.host, facts.packages or frozenset(), reference.packages
    if wanted is None and Capabilities(cluster.version).says_coordinator:  # its gppkg may keep the list elsewhere
        action = f"Compare the packages of the coordinator and of {host} yourself (gppkg)."
        detail = "the coordinator's host has no archive of gppkg: which packages it needs could not be told"
        return Check(CheckName.SAME_PACKAGES, host, Verdict.WARN, detail, action)
    wanted = wanted or frozenset()
    missing, more = sorted(wanted - seen), sorted(seen - wanted)
    if missing:
        action = (
            f"Install them on {host} (gppkg of the coordinator's version; or copy its GPHOME), then run this again."
        )
        return _failed(CheckName.SAME_PACKAGES, host, f"it lacks {', '.join(missing)}", action)
    if more:
        action = "See whether the coordinator should have them too."
        detail = f"it has {', '.join(more)}, which the coordinator has not"
        return Check(CheckName.SAME_PACKAGES, host, Verdict.WARN, detail, action)
    return Check(CheckName.SAME_PACKAGES, host, Verdict.PASS, ", ".join(sorted(wanted)) or "none is installed")


def _hop(hop: Hop, spare: str) -> Check:
    """The copies go over ssh and replication between the spare and the sources: pg_basebackup is started from there."""
    target = f"{hop.origin} -> {hop.destination}"
    if hop.exit_code != 0:
        detail = f"`ssh {hop.destination} true` ended with {hop.exit_code}: {hop.said or 'it said nothing'}"
        action = f"Exchange keys and host keys with {spare} (gpssh-exkeys); check names and firewall on {hop.origin}."
        return _failed(CheckName.SSH_BETWEEN, target, detail, action)
    if hop.said:
        return _failed(CheckName.SSH_BETWEEN, target, f"it prints {hop.said[:80]!r}", _SILENCE)
    return Check(CheckName.SSH_BETWEEN, target, Verdict.PASS, "works and prints nothing")


def _no_hop(spare: str) -> Check:
    action = "Bring those hosts back first: the copies come from them."
    return _failed(CheckName.SSH_BETWEEN, spare, "ssh to the acting primaries' hosts was not tried", action)


def _ports(target: Place, facts: SpareFacts) -> Check:
    wanted = [port for port in (target.port, target.replication_port) if port is not None]
    name = f"{facts.host}:{target.port}"
    if facts.listening is None:
        action = f"Look yourself on {facts.host} (ss -lnt)."
        return Check(CheckName.PORTS_FREE, name, Verdict.WARN, "which ports are taken could not be told", action)
    taken = [str(port) for port in wanted if port in facts.listening]
    if taken:
        action = f"Find out what listens there on {facts.host}, or supply a file with other ports."
        return _failed(CheckName.PORTS_FREE, name, f"port {', '.join(taken)} is taken", action)
    return Check(CheckName.PORTS_FREE, name, Verdict.PASS, f"{', '.join(map(str, wanted))} free")


def _directory(path: str, facts: SpareFacts) -> Iterator[Check]:
    target, found = f"{path} on {facts.host}", facts.directory(path)
    if found is None:
        yield _failed(CheckName.DATA_DIRECTORY, target, "it was not looked at", "Gather the facts of this host again.")
    elif found.entries:
        detail = f"{found.entries} entries lie in it; gprecoverseg would write over them without asking"
        action = "Find out what it is; move it away, or supply a file with another directory."
        yield _failed(CheckName.DATA_DIRECTORY, target, detail, action)
    elif not found.parent_writable:
        action = f"Make its parent on {facts.host}, mount it where it is missing, and give it to Greenplum's user."
        yield _failed(CheckName.DATA_DIRECTORY, target, "it cannot be made: no write permission", action)
    else:
        yield Check(CheckName.DATA_DIRECTORY, target, Verdict.PASS, "empty or not there, and can be made")


def _space(config: RecoveryConfig, cluster: Cluster, facts: SpareFacts, policy: PolicySettings) -> Iterator[Check]:
    """By file system: what all segments together need there must fit, and the policy's share stay free."""
    contents: dict[TargetDirectory, set[int]] = defaultdict(set)
    systems: dict[str, TargetDirectory] = {}
    for line in config.lines:
        segment = find(line.failed, cluster)
        found = facts.directory(line.target.directory) if line.target is not None else None
        if segment is not None and found is not None:
            # With filespaces on other file systems the whole is counted where the data directory is: never too little.
            contents[systems.setdefault(found.filesystem, found)].add(segment.content)
    for system, own in contents.items():
        yield fits(system, facts.host, own, facts.source_kb, policy)


def _failed(name: CheckName, target: str, detail: str, next_action: str) -> Check:
    return Check(name, target, Verdict.FAIL, detail, next_action)
