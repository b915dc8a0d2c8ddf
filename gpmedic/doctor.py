"""What gpmedic must be able to reach and to do, each access with its privilege; what becomes of a round of checks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gpmedic.check import Verdict
from gpmedic.errors import GpmedicError
from gpmedic.json_shapes import DoctorJson
from gpmedic.table import plain


class Access(StrEnum):
    """One access; the order is that in which they are checked."""

    SETTINGS = "settings"
    SECRETS = "secrets on this machine"
    DATABASE = "database session"
    GREENPLUM = "Greenplum"
    ROLE = "database role"
    CATALOG = "catalog"
    SSH = "ssh login"
    STATE_FOLDER = "~/.gpmedic on the host"
    TOOLS = "tools on the host"
    CLOCK = "clock of the host"
    UTILITIES = "Greenplum's utilities"
    OWNER = "owner of Greenplum"
    DATA_DIRECTORY = "coordinator data directory"
    SEGMENT_HOSTS = "ssh to every host"
    POLICY = "policy"
    BRAKE = "brake"
    PREFECT = "Prefect server"
    PREFECT_LOGIN = "Prefect login"
    PREFECT_VERSION = "Prefect version"
    WORK_POOL = "work pool"
    WORKER = "worker"
    DEPLOYMENTS = "deployments"
    ZOMBIES = "zombie automation"
    RUNS = "runs"
    SLACK_APP = "Slack app"
    SLACK_CLICKS = "clicks in Slack"
    SLACK_CHANNEL = "Slack channel"
    APPROVERS = "approvers"


@dataclass(frozen=True, slots=True)
class Need:
    """Why an access is needed.

    Attributes:
        privilege: what gpmedic must be allowed to do there.
        after: what must have passed before it can be checked.
        keeps_from_saving: whether a cluster is not registered while this fails.
    """

    privilege: str
    after: tuple[Access, ...] = ()
    keeps_from_saving: bool = True


NEEDS: Final[Mapping[Access, Need]] = {
    Access.SETTINGS: Need("a file that gpmedic can read, with settings that it knows"),
    Access.SECRETS: Need("secrets that only their owner can read", (Access.SETTINGS,)),
    Access.DATABASE: Need("a session on the coordinator, through pg_hba.conf", (Access.SETTINGS,)),
    Access.GREENPLUM: Need("a Greenplum that gpmedic knows", (Access.DATABASE,)),
    Access.ROLE: Need("a superuser: others see of the replication only that it exists", (Access.GREENPLUM,)),
    Access.CATALOG: Need("to read segments, their history and the replication", (Access.GREENPLUM,)),
    Access.SSH: Need("a login with a key, on a host whose key is known", (Access.SETTINGS,)),
    Access.STATE_FOLDER: Need("to write there: jobs, lock, brake", (Access.SSH,)),
    Access.TOOLS: Need("flock, timeout, setsid and what every POSIX system has", (Access.SSH,)),
    Access.CLOCK: Need("about the time of this machine", (Access.SSH,), keeps_from_saving=False),
    Access.UTILITIES: Need("to run the utilities of GPHOME", (Access.SSH,)),
    Access.OWNER: Need("to be the user that runs Greenplum", (Access.UTILITIES, Access.CATALOG)),
    Access.DATA_DIRECTORY: Need("that database and host are one coordinator", (Access.UTILITIES, Access.CATALOG)),
    Access.SEGMENT_HOSTS: Need(
        "quiet ssh from the coordinator's host to every host",
        (Access.UTILITIES, Access.CATALOG),
        keeps_from_saving=False,
    ),
    Access.POLICY: Need("a policy that lets gpmedic act, once you want that", (Access.SETTINGS,)),
    Access.BRAKE: Need("to see whether the brake is on", (Access.SSH,)),
    Access.PREFECT: Need("to reach the server that keeps runs, blocks and schedules", (Access.SETTINGS,)),
    Access.PREFECT_LOGIN: Need("to use its API", (Access.PREFECT,)),
    Access.PREFECT_VERSION: Need("a server of this client's version", (Access.PREFECT_LOGIN,)),
    Access.WORK_POOL: Need("a place where runs wait for a worker", (Access.PREFECT_LOGIN,), keeps_from_saving=False),
    Access.WORKER: Need("a process that executes runs", (Access.WORK_POOL,), keeps_from_saving=False),
    Access.DEPLOYMENTS: Need(
        "a page for each run, and a health check of this cluster", (Access.PREFECT_LOGIN,), keeps_from_saving=False
    ),
    Access.ZOMBIES: Need(
        "that a run whose process died does not count as running", (Access.PREFECT_LOGIN,), keeps_from_saving=False
    ),
    Access.RUNS: Need(
        "that runs begin, go on and end, and health checks look", (Access.PREFECT_LOGIN,), keeps_from_saving=False
    ),
    Access.SLACK_APP: Need("the app's bot token", (Access.PREFECT_LOGIN,), keeps_from_saving=False),
    Access.SLACK_CLICKS: Need(
        "the app-level token, or the signing secret", (Access.SLACK_APP,), keeps_from_saving=False
    ),
    Access.SLACK_CHANNEL: Need("to post there", (Access.SLACK_APP,), keeps_from_saving=False),
    Access.APPROVERS: Need("to look up who may decide", (Access.SLACK_APP,), keeps_from_saving=False),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check has seen.

    Attributes:
        verdict: None where there was nothing to check; what needs this access is then not checked either.
        next_action: what to do now; empty where nothing is.
    """

    detail: str
    verdict: Verdict | None = Verdict.PASS
    next_action: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one access; `verdict` None: it was not checked, `detail` says why."""

    access: Access
    verdict: Verdict | None
    detail: str
    next_action: str = ""

    @property
    def word(self) -> str:
        """The verdict for people: what has failed is loud."""
        if self.verdict is None:
            return "-"
        return self.verdict.value.upper() if self.verdict is Verdict.FAIL else self.verdict.value

    @property
    def line(self) -> str:
        """Everything in one line."""
        told = f"{self.word:<4}  {self.access}: {self.detail}"
        return f"{told} Next: {self.next_action}" if self.next_action else told


Check = Callable[[], Seen]


def examine(checks: Mapping[Access, Check], before: Iterable[Finding] = ()) -> Iterator[Finding]:
    """Check what can be checked, one failure after the other; what needs a failed access is not tried.

    Args:
        before: what is known already.
    """
    verdicts = {finding.access: finding.verdict for finding in before}
    for access, check in checks.items():
        missing = [need for need in NEEDS[access].after if verdicts.get(need) in (Verdict.FAIL, None)]
        if missing:
            found = Finding(access, None, f"not checked, it needs: {', '.join(missing)}.")
        else:
            found = _checked(access, check)
        verdicts[access] = found.verdict
        yield found


def _checked(access: Access, check: Check) -> Finding:
    try:
        seen = check()
    except GpmedicError as error:
        return Finding(access, Verdict.FAIL, error.message, error.next_action)
    return Finding(access, seen.verdict, plain(seen.detail), plain(seen.next_action))


def to_fix(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What has failed."""
    return tuple(finding for finding in findings if finding.verdict is Verdict.FAIL)


def findings_json(cluster: str, findings: Iterable[Finding]) -> DoctorJson:
    """For programs; the verdict of what was not checked is null."""
    shown = tuple(findings)
    return {
        "cluster": cluster,
        "fine": not to_fix(shown),
        "checks": [
            {
                "access": finding.access.value,
                "privilege": NEEDS[finding.access].privilege,
                "verdict": None if finding.verdict is None else finding.verdict.value,
                "detail": finding.detail,
                "next_action": finding.next_action,
            }
            for finding in shown
        ],
    }
