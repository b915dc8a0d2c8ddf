"""What the stand-ins gpstop and gpstart print, held against every recorded run of the real ones, line by line."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from gpmedic.cluster import COORDINATOR_CONTENT
from gpmedic.practice.facts import Answer, Facts, SegmentFacts
from gpmedic.practice.utilities import gpstart, gpstop
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstop_main import Utility, parse
from tests.practice.fidelity.calls import Outcome, arguments_of, calls, utility_of
from tests.practice.fidelity.differences import DIFFERENCES, Table, compared, of_recording
from tests.practice.fidelity.normalise import normalise, rule
from tests.practice.fidelity.replay import Killed, facts_of
from tests.transcripts import Step

PROGRAMS = {Utility.GPSTOP: gpstop.program, Utility.GPSTART: gpstart.program}

ALSO = (
    rule(r"(stdout=')\d{8}:\d\d:\d\d:\d\d:\d{6} (\S+?):\S+?-\[([A-Z]+)\]:-", r"\1\2 \3 -"),
    rule(r"^\d{8}:\d\d:\d\d:\d\d:\d{6} (gpsegstart\S+?):\S+?-\[([A-Z]+)\]:-", r"\1 \2 -"),
    rule(r"(Review \S+/gpAdminLogs/gpstart)\S*\.log", r"\1.log"),
)
RUNS = [step for step in calls() if utility_of(step) in PROGRAMS and "--version" not in step.command]


@dataclass
class RecordedCluster:
    """Answers as the recorded cluster did; what happened is taken from the recorded text."""

    step: Step

    def __post_init__(self) -> None:
        self._facts = _facts(self.step)
        self.home = "/usr/local/greenplum-db-6"
        self.data_directory = "/data/nomirror/nm-1" if "nm.env" in self.step.command else "/data/master/gpseg-1"

    def facts(self) -> Facts:
        return self._facts

    def reply(self) -> str | None:
        return None

    def era(self) -> str:
        return "recorded_era"

    def sessions(self) -> int:
        said = re.search(r"There are (\d+) connections", self.step.stdout)
        return int(said[1]) if said else 0

    def await_sessions(self) -> None:
        pass

    def stop(self) -> None:
        """A coordinator that is stopped leaves no postmaster.pid."""
        self._set_coordinator(pid=None)

    def stop_coordinator(self) -> None:
        self._set_coordinator(pid=None)

    def _set_coordinator(self, pid: int | None) -> None:
        segments = tuple(
            replace(s, pid=pid) if s.dbid == self._facts.coordinator.dbid else s for s in self._facts.segments
        )
        self._facts = replace(self._facts, segments=segments)

    def reload(self) -> None:
        pass

    def start(self, without: Sequence[SegmentFacts]) -> Sequence[SegmentFacts]:
        dbids = {int(dbid) for dbid in re.findall(r"-DBID:(\d+)  FAILED", self.step.stdout)}
        return [s for s in self._facts.segments if s.dbid in dbids]

    def start_coordinator(self) -> None:
        pass

    def stall(self, say: Callable[[str], None]) -> None:
        if self.step.ended:
            raise Killed


def _facts(step: Step) -> Facts:
    facts = facts_of(step)
    text = step.stdout
    away = set(re.findall(r"Ping to host: '(\S+)' FAILED", text))
    stale = "Have a postmaster.pid file but no" in text
    starts = "-Starting gpstart with args" in text.splitlines()[0]
    running = ("process running on port" in text) if starts else "postmaster.pid file does not exist" not in text
    segments = []
    for segment in facts.segments:
        dead = rf"datadir:'{segment.datadir}'(?:.*\n)+?.*postmaster.pid file exists, checking"
        if segment.content == COORDINATOR_CONTENT:
            alive = running and not stale
            segments.append(replace(segment, pid=1 if alive else None, stale_pid_file=stale, answer=Answer.ACCEPTS))
        else:
            segments.append(replace(segment, stale_pid_file=re.search(dead, text) is not None))
    hosts = tuple(replace(h, reachable=h.reachable and h.name not in away) for h in facts.hosts)
    return replace(facts, segments=tuple(segments), hosts=hosts)


def recorded(step: Step, table: Table = DIFFERENCES) -> Outcome:
    return Outcome(of_recording(normalise(step.stdout, ALSO), step, table), step.exit_code, normalise(step.stderr))


def rendered(step: Step, _table: Table = DIFFERENCES) -> Outcome:
    utility = Utility(utility_of(step))
    written: list[str] = []
    host = "gp-master" if step.scenario[0].isdigit() else "mdw"
    console = Console(written.append, utility, host, "gpadmin")
    code: int | None
    try:
        code = PROGRAMS[utility](parse(utility, arguments_of(step)), RecordedCluster(step), console)
    except Killed:
        code = None
    return Outcome(normalise("".join(written), ALSO), code, [])


@pytest.mark.parametrize("step", compared(RUNS), ids=str)
def test_the_stand_in_prints_what_the_real_one_printed(step: Step) -> None:
    assert rendered(step) == recorded(step)
