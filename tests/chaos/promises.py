"""What holds at every moment of an incident, checked against what people said and what was called."""

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpmedic.practice.invocations import Invocation
from tasks.approve import Request


@dataclass(frozen=True, slots=True)
class Yes:
    """A person's yes, as a person remembers it: to this step, of this plan, whose text told these commands."""

    step: str
    fingerprint: str
    text: str
    expires_at: float

    @classmethod
    def to(cls, request: Request) -> "Yes":
        proposal = request.proposal
        return cls(proposal.step, proposal.fingerprint, proposal.text.replace("\\", ""), request.expires_at.timestamp())


@dataclass(frozen=True, slots=True)
class Job:
    """A detached job on the coordinator's host; times in seconds since the epoch."""

    key: str
    begun: float
    ended: float

    @property
    def step(self) -> str:
        return self.key.split("-", 1)[0].replace("_", "-")

    @property
    def fingerprint(self) -> str:
        return self.key.rsplit("-", 3)[1]


def jobs_of(folder: Path) -> list[Job]:
    """The jobs that were started in this practice cluster, the first one first."""
    found = []
    for start in (folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("*/start"):
        end = start.with_name("exit_code")
        ended = end.stat().st_mtime if end.exists() else time.time()
        found.append(Job(start.parent.name, start.stat().st_mtime, ended))
    return sorted(found, key=lambda job: job.begun)


def every_job_was_approved(jobs: Sequence[Job], said: Iterable[Yes]) -> None:
    """Each yes starts one job at most, and none after it has expired."""
    yes = list(said)
    for job in jobs:
        mine = next((y for y in yes if (y.step, y.fingerprint) == (job.step, job.fingerprint)), None)
        assert mine is not None, f"{job.key} was approved by nobody, or oftener started than approved"
        assert job.begun <= mine.expires_at + 5, f"{job.key} began after its approval had expired"
        yes.remove(mine)


def every_command_was_approved(called: Sequence[Invocation], jobs: Sequence[Job], said: Iterable[Yes]) -> None:
    """Nothing disruptive in the foreground; in a job what its approval told, and no command of it twice."""
    yes = list(said)
    by_key = {job.key: job for job in jobs}
    disruptive = [c for c in called if c.disruptive]
    for call in disruptive:
        assert call.job in by_key, f"{call.command} was called outside of a job"
        job = by_key[call.job]
        texts = [y.text for y in yes if (y.step, y.fingerprint) == (job.step, job.fingerprint)]
        assert any(call.command in text for text in texts), f"{call.command} stands in no approval of {job.key}"
    for (key, command), times in Counter((c.job, c.command) for c in disruptive).items():
        assert times == 1, f"{command} was started {times} times in {key}"


def one_at_a_time(called: Sequence[Invocation], jobs: Sequence[Job]) -> None:
    """Of disruptive commands and of jobs."""
    disruptive = [c for c in called if c.disruptive]
    for earlier, later in itertools.pairwise(disruptive):
        assert not earlier.killed, f"{earlier.command} ended without a word"
        assert earlier.ended is not None, f"{later.command} began while {earlier.command} was at work"
        assert earlier.ended < later.begun, f"{later.command} began before {earlier.command} had ended"
    for before, after in itertools.pairwise(jobs):
        assert before.ended <= after.begun, f"{after.key} began before {before.key} had ended"
