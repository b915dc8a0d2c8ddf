"""A coordinator that does not answer: what was tried, what that proves, and what a person can do. Never automatic."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gpmedic.document import Heading, Paragraph, Part, as_markdown
from gpmedic.languages.language import Language, saying
from gpmedic.restart_job import RestartAtWork
from gpmedic.table import Table


class Verdict(StrEnum):
    RESTARTING = "being restarted by gpmedic"  # a job on its host stops it and starts it again
    RESTART_OVERDUE = "gpmedic's restart does not end"  # the same, for longer than most restarts take
    DEAD = "proven dead"  # its host was asked: no postmaster lives, and nobody listens on its port
    ALIVE = "not dead"  # its postmaster lives, or something listens on its port
    UNKNOWN = "not proven dead"  # its host could not be asked: it may live behind a broken network


@dataclass(frozen=True, slots=True)
class Tried:
    """One thing that was tried, and what came of it."""

    what: str
    answer: str


@dataclass(frozen=True, slots=True)
class LastStandby:
    """The standby as the last look at the catalog has shown it; `seen` in UTC."""

    hostname: str
    port: int
    datadir: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class LostCoordinator:
    """What is known of a coordinator that does not answer, and of its standby."""

    cluster_name: str
    host: str
    datadir: str
    verdict: Verdict
    tried: tuple[Tried, ...]
    standby: LastStandby | None = None


def judge(restart: RestartAtWork | None, *, listens: bool, asked: bool, postmaster_lives: bool) -> Verdict:
    """What the attempts prove.

    Args:
        restart: the job of gpmedic that is at work on it.
        listens: its port took a connection.
        asked: its host was asked over ssh for its postmaster, and answered.
    """
    if restart is not None:
        return Verdict.RESTART_OVERDUE if restart.overdue else Verdict.RESTARTING
    if listens or postmaster_lives:
        return Verdict.ALIVE
    return Verdict.DEAD if asked else Verdict.UNKNOWN


_FIRST = {
    Verdict.RESTARTING: "gpmedic's own restart is at work on the coordinator: it stops the database and starts it"
    " again, whoever has died meanwhile. Start and activate nothing; wait until that job has ended, then look again.",
    Verdict.RESTART_OVERDUE: "gpmedic's restart has been at work on the coordinator for over an hour, longer than most"
    " take. Find out on its host what it waits for (its output, the newest log in ~/gpAdminLogs), and remedy that. It"
    " may start the coordinator at any moment, and its gpstop or gpstart may reach for every segment: never activate"
    " the standby before that host is powered off. To move its data directory away does not end the job.",
    Verdict.DEAD: "The coordinator is dead. Where its host and disks are well, starting it again loses nothing and is"
    " the better way: on its host, gpstart -a.",
    Verdict.ALIVE: "The coordinator is not dead. Never activate the standby now: find out why it gives no session (its"
    " log, full disks, too many connections, pg_hba.conf), or stop it first.",
    Verdict.UNKNOWN: "Nobody knows whether the coordinator is dead: its host could not be asked. It may be at work"
    " behind a broken network. Look at it by another way (console, hypervisor, the people who run the network).",
}
_FENCE = (
    "Before the standby is activated, the old coordinator must be unable to come back: power its host off, or stop its"
    " postmaster and move its data directory away, and take its address away from it. Two coordinators that write are"
    " two catalogs, and no tool joins them again. gpactivatestandby cannot see a coordinator that it cannot reach."
)
_LOSS = (
    "What the coordinator had committed and the standby had not received is lost. Everybody must then connect to the"
    " standby's host. gpmedic never activates a standby."
)


def advice_markdown(lost: LostCoordinator, language: Language = Language.ENGLISH) -> str:
    """The page for the person who decides: the proof, the state of the standby, the warning, the commands."""
    say = saying(language)
    tried = Table(("tried", "what came of it"), tuple((t.what, t.answer) for t in lost.tried))
    parts: list[Part] = [
        Heading(f"The coordinator of {lost.cluster_name} does not answer: {lost.verdict.value}"),
        tried,
        Paragraph(_FIRST[lost.verdict]),
    ]
    if lost.verdict is Verdict.RESTARTING:  # whoever reads commands types them
        return as_markdown(parts, say)
    parts += [
        Heading("To fail over to the standby, by hand"),
        Paragraph(_FENCE),
        Paragraph(_LOSS),
    ]
    if lost.standby is None:
        unknown = "gpmedic has not seen this cluster's catalog before, so it does not know where the standby is."
        return as_markdown([*parts, Paragraph(unknown)], say)
    where = f"On {lost.standby.hostname}, as the user who owns Greenplum, with greenplum_path.sh sourced"
    seen = f"(the standby as the catalog showed it at {lost.standby.seen:%Y-%m-%d %H:%M} UTC):"
    fence = "```"
    commands = "\n".join(activation(lost.standby))
    page = as_markdown([*parts, Paragraph(f"{where} {seen}")], say)
    return f"{page}\n{fence}\n{commands}\n{fence}\n"


def activation(standby: LastStandby) -> Sequence[str]:
    """The commands that make the standby the coordinator, as a person would type them on its host."""
    datadir = shlex.quote(standby.datadir)
    return (
        f"export MASTER_DATA_DIRECTORY={datadir} COORDINATOR_DATA_DIRECTORY={datadir} PGPORT={standby.port}",
        f"gpactivatestandby -d {datadir}   # -f only where it asks for it, and the old one is fenced",
        "gpstate -f; gpstate -e",
    )
