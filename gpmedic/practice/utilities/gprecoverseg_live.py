"""The hands of gprecoverseg in the lab: the supervisor's verbs, the coordinator host's files, this process's stdin."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gpmedic.cluster import Mode, Status
from gpmedic.practice.control import CLUSTER_VARIABLE, Control, Verb
from gpmedic.practice.facts import Facts, Release, SegmentFacts
from gpmedic.practice.utilities.gprecoverseg_hands import Ending, Result, Show
from gpmedic.practice.utilities.gprecoverseg_targets import Copy, Target
from gpmedic.practice.utilities.recovery_progress import forget_progress, keep_progress

RESYNC = "gprecoverseg: segment config for resync: segment mode and status"
RESYNC_FULL = (
    "gprecoverseg: segment config for resync: inserted segment configuration for full recovery or original dbid"
)
BACKOUT = "gprecoverseg: segment config for backout: inserted segment configuration for full recovery or original dbid"
PROGRAMS = {Copy.INCREMENTAL: "pg_rewind", Copy.DIFFERENTIAL: "rsync", Copy.FULL: "pg_basebackup"}
PROGRESS_INTERVAL = 1.0  # seconds between two looks at the copies
PACE = 0.05  # the waiting of the real one that has no purpose in a lab is shortened by this factor


class _Writer(Protocol):
    def write(self, text: str, /) -> object: ...


@contextmanager
def log_file(utility: str) -> Iterator[_Writer]:
    """The utility's log of today in ~/gpAdminLogs, appended to."""
    folder = Path.home() / "gpAdminLogs"
    folder.mkdir(exist_ok=True)
    with (folder / f"{utility}_{time.strftime('%Y%m%d')}.log").open("a") as file:
        yield file


@dataclass(slots=True)
class _Job:
    target: Target
    log: Path
    process: "subprocess.Popen[str]"


class LiveHands:
    """Args: control: of the practice cluster; data_directory: the coordinator's."""

    def __init__(self, control: Control, data_directory: str) -> None:
        self._control = control
        self._data_directory = data_directory

    @property
    def home(self) -> str:
        return os.environ.get("GPHOME", str(self._folder / "greenplum"))

    @property
    def data_directory(self) -> str:
        return self._data_directory

    @property
    def _folder(self) -> Path:
        return Path(os.environ[CLUSTER_VARIABLE])

    def facts(self) -> Facts:
        return self._control.facts()

    def has_file(self, path: str) -> bool:
        return Path(path).exists()

    def read(self, path: str) -> str:
        return Path(path).read_text()

    def write(self, path: str, text: str) -> None:
        Path(path).write_text(text)

    def reply(self) -> str | None:
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None

    def pause(self, seconds: float) -> None:
        time.sleep(seconds * PACE if seconds >= 1 else seconds)

    def era(self) -> str:
        facts = self.facts()
        try:
            lines = (Path(facts.coordinator.datadir) / "postmaster.pid").read_text().splitlines()
            started = time.strftime("%y%m%d%H%M%S", time.localtime(int(lines[2])))
        except (OSError, ValueError, IndexError):
            started = "0" * 12
        return f"{hashlib.sha256(facts.name.encode()).hexdigest()[:16]}_{started}"

    def control_data(self, segment: SegmentFacts) -> str | None:
        done = subprocess.run(
            [self._folder / "postgres" / "pg_controldata", segment.datadir],
            capture_output=True,
            text=True,
            check=False,
            env={"LC_ALL": "C", "TZ": "UTC"},
        )
        return done.stdout if done.returncode == 0 else None

    def port_is_free(self, host: str, port: int, used: Set[tuple[str, int]]) -> bool:
        replication = {s.replication_port for s in self.facts().segments}
        return port not in replication and all(port != other for _, other in used)

    def directory_on(self, host: str, segment: SegmentFacts) -> str:
        hosts = self._folder / "hosts"
        return segment.datadir.replace(f"{hosts / segment.hostname}/", f"{hosts / host}/", 1)

    def stop(self, segments: Sequence[SegmentFacts]) -> None:
        for segment in segments:
            self._control.call(Verb.STOP_SEGMENT, dbid=segment.dbid, mode="fast")

    def probe(self) -> None:
        self._control.call(Verb.FTS_PROBE)

    def mark(self, targets: Sequence[Target]) -> None:
        for target in targets:
            description = f"{RESYNC_FULL} {target.failed.dbid}" if target.full else RESYNC
            self._set(target, target.place, description)

    def unmark(self, targets: Sequence[Target]) -> None:
        for target in targets:
            self._set(target, target.failed, f"{BACKOUT} {target.failed.dbid}")

    def _set(self, target: Target, place: SegmentFacts, description: str) -> None:
        filerep = place.replication_port is not None
        mirror: dict[str, object] = {
            "dbid": place.dbid,
            "status": Status.DOWN,
            "mode": Mode.RESYNCHRONIZING if filerep else Mode.NOT_IN_SYNC,
            "hostname": place.hostname,
            "address": place.address,
            "port": place.port,
            "datadir": place.datadir,
        }
        if filerep:
            mirror["replication_port"] = place.replication_port
        primary = {"dbid": target.live.dbid, "mode": Mode.CHANGE_TRACKING if filerep else Mode.NOT_IN_SYNC}
        self._control.call(Verb.SET_ROWS, rows=[mirror, primary], description=description)

    def recover(self, targets: Sequence[Target], show: Show) -> Sequence[Result]:
        moment = time.strftime("%Y%m%d_%H%M%S")
        jobs = [self._begin(target, moment) for target in targets]
        deadline = time.monotonic() + PROGRESS_INTERVAL
        try:
            while any(job.process.poll() is None for job in jobs):
                time.sleep(0.05)
                if time.monotonic() >= deadline:
                    deadline += PROGRESS_INTERVAL
                    facts = self.facts()
                    keep_progress(facts)
                    show([(job.target, as_printed_by(facts.release, _progress(facts, job.target))) for job in jobs])
        finally:
            forget_progress()
        release = self.facts().release
        ends = [_end(job, release) for job in jobs]
        show([(job.target, message) for job, (_, message) in zip(jobs, ends, strict=True)])
        return [Result(job.target, ending, str(job.log)) for job, (ending, _) in zip(jobs, ends, strict=True)]

    def _begin(self, target: Target, moment: str) -> _Job:
        verb = Verb.REWIND if target.copy is Copy.INCREMENTAL else Verb.BASEBACKUP
        folder = self._folder / "hosts" / target.place.hostname / "gpAdminLogs"
        folder.mkdir(exist_ok=True, parents=True)
        program = PROGRAMS[target.copy]
        log = folder / f"{program}.{moment}.dbid{target.failed.dbid}.out"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gpmedic.practice.utilities.gprecoverseg_worker",
                str(target.failed.dbid),
                verb,
                str(log),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        return _Job(target, log, process)

    def start_resynchronization(self, targets: Sequence[Target]) -> None:
        """4.3: mirrors are started and marked up, pairs are at r/r; the data follow in the background (T33)."""
        description = "gprecoverseg: segment resync marking mirrors up and primaries resync: segment mode and status"
        for target in targets:
            self._control.call(Verb.BASEBACKUP if target.full else Verb.REWIND, dbid=target.failed.dbid)
            self._control.call(Verb.START_SEGMENT, dbid=target.failed.dbid)
        rows = [
            {"dbid": segment.dbid, "mode": Mode.RESYNCHRONIZING, "status": Status.UP}
            for target in targets
            for segment in (target.failed, target.live)
        ]
        self._control.call(Verb.SET_ROWS, rows=rows, description=description)
        for target in targets:
            kind = "full" if target.full else "incremental"
            self._control.call(Verb.RESYNC, content=target.live.content, kind=kind)

    def parent_exists(self, segment: SegmentFacts) -> bool:
        return Path(segment.datadir).parent.is_dir()


def _progress(facts: Facts, target: Target) -> str:
    copying = facts.segment(target.failed.dbid).copying
    return copying.message if copying else ""


def as_printed_by(release: Release, message: str) -> str:
    """pg_rewind's last line as that release's own prints it: 7's and today's put their name before it."""
    return message.removeprefix("pg_rewind: ") if release is Release.V6 else message


def _end(job: _Job, release: Release) -> tuple[Ending, str]:
    output, _ = job.process.communicate()
    try:
        end = json.loads(output.strip().splitlines()[-1])
        ending = Ending(end["ending"])
        if ending is Ending.COPY_FAILED and job.target.copy is Copy.INCREMENTAL and release is Release.V6:
            return ending, "Failure, exiting"  # why is in the log on the target's host
        return ending, as_printed_by(release, end["message"])
    except (IndexError, ValueError, KeyError):  # the worker was killed
        return Ending.COPY_FAILED, ""
