"""A recorded run of gprecoverseg as hands: the snapshot tells the facts, the recorded text tells what happened.

Only what the program cannot know by itself is taken from the text: which hosts answered, which processes still lived,
how each copy ended and what it had printed last. Wording, order, levels and the exit code are the program's own.
"""

import ast
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import Answer, Facts, HostFacts, Release, SegmentFacts
from gpmedic.practice.utilities.gprecoverseg_hands import Ending, Result, Show
from gpmedic.practice.utilities.gprecoverseg_targets import Target
from tests.transcripts import Row, Step, recordings

SPARES = ("mdw", "smdw", "sdw1", "sdw2", "sdw3", "sdw4", "gp-master", "gp-s1", "gp-s2", "gp-s3", "gp-s4")
NO_MIRRORS = tuple(
    {
        "dbid": dbid,
        "content": content,
        "role": "p",
        "preferred_role": "p",
        "mode": "n",
        "status": "u",
        "port": port,
        "hostname": host,
        "address": host,
        "datadir": f"/data/nomirror/nm{content}",
    }
    for dbid, content, port, host in ((1, -1, 5444, "mdw"), (2, 0, 6200, "sdw3"), (3, 1, 6200, "sdw4"))
)
"""The second cluster of the scenarios j: its rows were recorded as a table of psql, in step 03."""


AFTER_RESYNCHRONIZATION = ("09-gprecoverseg-r-a-resync",)
"""Run after the resynchronization had ended, although the last snapshot is from before (README of the transcripts)."""


def rows_before(step: Step) -> Sequence[Row]:
    """The catalog right before a step, or where it was not read then, as it was read last in the scenario."""
    if "nm.env" in step.command:
        return NO_MIRRORS
    if step.before is not None and step.before.segments:
        return step.before.segments
    last: Sequence[Row] = ()  # WATCH steps tell it too
    for other in recordings("gp4" if step.scenario[0].isdigit() else "gp6"):
        if other.scenario != step.scenario:
            continue
        for snapshot in (other.before, other.after if other.name != step.name else None):
            if snapshot is not None and snapshot.segments:
                last = snapshot.segments
        if other.changes and other.name != step.name:
            last = other.changes[-1][1]
        if other.name == step.name:
            break
    return last or healthy()


def healthy() -> Sequence[Row]:
    """The rows of the 6.24.3 cluster when nothing was wrong."""
    first = recordings("gp6")[0].before
    assert first is not None
    return first.segments


def _failed_since(text: str, segment: SegmentFacts) -> bool:
    """An acting primary of the snapshot that the run itself calls failed: it died between the two."""
    place = rf"Failed instance host += {segment.hostname}\n.*\n.*Failed instance directory += {segment.datadir}\n"
    return segment.role is Role.PRIMARY and "= Rebalance" not in text and re.search(place, text) is not None


def facts_of(step: Step) -> Facts:
    """What the cluster was like before a recorded run."""
    release = Release.V4_3 if step.scenario[0].isdigit() else Release.V6
    text = step.stdout
    away = set(re.findall(r"Host (\S+) is unreachable|connect to host (\S+) port 22", text))
    names = {name for pair in away for name in pair}
    silent = {int(content) for content in re.findall(r"\(seg(\d+) ", text)}
    if "Unable to connect to database" in text:
        silent.add(0)
    segments = [_segment(row, text, silent) for row in rows_before(step)]
    segments = [replace(s, answer=Answer.REFUSED) if _failed_since(text, s) else s for s in segments]
    if step.name in AFTER_RESYNCHRONIZATION:
        segments = [replace(s, mode=Mode.SYNCHRONIZED) for s in segments]
    down = 'Is the server running on host "localhost"' in text
    segments = [replace(s, answer=Answer.REFUSED) if down and s.content == -1 else s for s in segments]
    known = {s.hostname for s in segments} | set(SPARES)
    hosts = tuple(HostFacts(name, reachable=name not in names) for name in sorted(known))
    version = "postgres (Greenplum Database) 6.24.3 build commit:0"
    return Facts("recorded", release, "VERSION", version, "gpadmin", tuple(segments), hosts)


def _segment(row: Row, text: str, silent: set[int]) -> SegmentFacts:
    datadir = row.get("datadir") or str(row["filespaces"]).partition("=")[2]
    role, status = Role(row["role"]), Status(row["status"])
    answer = Answer.REFUSED
    if status is Status.UP and row["content"] not in silent:
        answer = Answer.ACCEPTS if role is Role.PRIMARY else Answer.RECOVERS
    stopped = re.search(rf"-(\d+): {re.escape(datadir)}$", text, re.M) if role is Role.MIRROR else None
    return SegmentFacts(
        dbid=row["dbid"],
        content=row["content"],
        role=role,
        preferred_role=Role(row["preferred_role"]),
        mode=Mode(row["mode"]),
        status=status,
        port=row["port"],
        hostname=row["hostname"],
        address=row["address"],
        datadir=datadir,
        replication_port=row.get("replication_port"),
        pid=int(stopped[1]) if stopped else None,
        answer=answer,
        datadir_exists=f"'{datadir}/gp_dbid'" not in text,
    )


class Killed(Exception):
    """The recorded run was killed from outside at this point."""


@dataclass
class RecordedHands:
    """Does nothing but answer as the recorded cluster did, and remember files that were written."""

    step: Step
    files: Mapping[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._facts = facts_of(self.step)
        replies = re.search(r"# stdin: (.*)$", self.step.command, re.M)
        text = ast.literal_eval(replies[1]) if replies else "n\n" if "echo n |" in self.step.command else ""
        self._replies = iter(str(text).splitlines())
        self.home = "/usr/local/greenplum-db-4" if self._facts.release is Release.V4_3 else "/usr/local/greenplum-db-6"
        named = re.search(r"MASTER_DATA_DIRECTORY=(\S+)|-d (\S+)", self.step.command)
        self.data_directory = (named[1] or named[2]) if named else "/data/master/gpseg-1"
        silent = {s.dbid for s in self._facts.data_segments if s.role is Role.PRIMARY and s.answer is Answer.REFUSED}
        self._stopped = silent
        if self._facts.release is Release.V4_3 and "Unable to connect" not in self.step.stdout:
            self.probe()  # 4.3 looks at segments only once FTS has acted

    def facts(self) -> Facts:
        return self._facts

    def has_file(self, path: str) -> bool:
        return f"'{path}'" not in self.step.stdout

    def read(self, path: str) -> str:
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def write(self, path: str, text: str) -> None:
        self.written[path] = text

    def reply(self) -> str | None:
        return next(self._replies, None)

    def pause(self, seconds: float) -> None:
        pass

    def era(self) -> str:
        return "recorded_era"

    def control_data(self, segment: SegmentFacts) -> str | None:
        unread = f"cannot access pg_controldata for dbid {segment.dbid} on" in self.step.stdout
        return None if unread else "pg_control version number: 0\nData page checksum version: 1\n"

    def port_is_free(self, host: str, port: int, used: Set[tuple[str, int]]) -> bool:
        return (host, port) not in used

    def directory_on(self, host: str, segment: SegmentFacts) -> str:
        return segment.datadir

    def stop(self, segments: Sequence[SegmentFacts]) -> None:
        self._stopped |= {s.dbid for s in segments}

    def probe(self) -> None:
        """As FTS: a stopped acting primary changes place with its mirror, a stopped mirror is marked down."""
        changed = {s.dbid: s for s in self._facts.segments}
        for segment in self._facts.data_segments:
            peer = self._facts.peer(segment)
            if segment.dbid not in self._stopped or peer is None or peer.answer is Answer.REFUSED:
                continue
            filerep = self._facts.release is Release.V4_3
            mode = Mode.CHANGE_TRACKING if filerep else Mode.NOT_IN_SYNC
            down = Mode.SYNCHRONIZED if filerep else Mode.NOT_IN_SYNC
            fields: dict[str, Any] = {"role": Role.MIRROR, "status": Status.DOWN, "mode": down}
            changed[segment.dbid] = replace(segment, **fields, answer=Answer.REFUSED)
            changed[peer.dbid] = replace(peer, role=Role.PRIMARY, mode=mode, answer=Answer.ACCEPTS)
        self._stopped.clear()
        self._facts = replace(self._facts, segments=tuple(changed[s.dbid] for s in self._facts.segments))

    def mark(self, targets: Sequence[Target]) -> None:
        pass

    def unmark(self, targets: Sequence[Target]) -> None:
        pass

    def recover(self, targets: Sequence[Target], show: Show) -> Sequence[Result]:
        show([(target, self._last_progress(target)) for target in targets])
        if "SIGINT" in self.step.command:
            raise KeyboardInterrupt
        if self.step.ended or self.step.exit_code == 255:
            raise Killed
        return [self._result(target) for target in targets]

    def _last_progress(self, target: Target) -> str:
        said: list[str] = re.findall(rf"^\S+ \(dbid {target.failed.dbid}\): (.*)$", self.step.stdout, re.M)
        return "" if said[-1].startswith("skipping pg_rewind") else said[-1]

    def _result(self, target: Target) -> Result:
        place = rf" hostname: {target.place.hostname}; port: {target.place.port}; "
        if re.search(place + "logfile", self.step.stdout):
            program = "pg_basebackup" if target.full else "pg_rewind"
            log = f"/home/gpadmin/gpAdminLogs/{program}.20260101_000000.dbid{target.failed.dbid}.out"
            return Result(target, Ending.COPY_FAILED, log)
        started = not re.search(place + "datadir", self.step.stdout)
        return Result(target, Ending.RECOVERED if started else Ending.START_FAILED)

    def start_resynchronization(self, targets: Sequence[Target]) -> None:
        pass

    def parent_exists(self, segment: SegmentFacts) -> bool:
        return f"'{segment.datadir}' does not exist" not in self.step.stdout
