"""A utility as a detached job on the coordinator's host: it outlives the connection, the worker and Prefect's server.

A job has a key; a key is started at most once, ever: whoever launches it again adopts what is there. Its folder
$HOME/.gpmedic/jobs/KEY is kept as evidence. Hosts are Linux; on macOS, which a practice cluster may run on, a folder
stands in for flock and a process group for a session, and a keeper killed there is seen but not what it left behind.

Not covered: a host whose logind kills a user's processes at logout (KillUserProcesses=yes).
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gpmedic.access.scripts import script
from gpmedic.access.ssh import Completed, Shell
from gpmedic.errors import AccessRefused, UnreadableOutput, UtilityBusy

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_MOST_BYTES = 16 << 20
_LAUNCHES = 3


class JobState(StrEnum):
    """What became of a job."""

    NEVER = "never"  # never started
    RUNNING = "running"
    DONE = "done"
    ORPHAN = "orphan"  # the command lives but its keeper does not: its exit code will never be known
    LOST = "lost"  # it was started, nothing of it lives (killed, or the host was restarted): look at the cluster


ALIVE = frozenset({JobState.RUNNING, JobState.ORPHAN})
"""The states in which a job may go on printing and changing things."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A look at a job.

    Attributes:
        exit_code: of the utility; None unless DONE.
        size: bytes of output up to the end of `output`: the offset of the next look.
        output: stdout and stderr together from the asked offset, at most 16 MiB; whole lines only while more may come.
    """

    state: JobState
    exit_code: int | None
    size: int
    output: str


def launch(shell: Shell, key: str, argv: Sequence[str], prelude: str, data_directory: str = "") -> JobStatus:
    """Start a utility unless this key has been started before.

    Args:
        key: letters, digits, dot, dash and underscore; names the run and the step.
        argv: the utility and its arguments; they reach the host on stdin, not in a process list.
        prelude: sh text that runs before it, see `environment.prelude`.
        data_directory: of the coordinator on which it works; see `jobs_on`.

    Raises:
        HostUnreachable: the connection was lost; launching again is safe.
        AccessRefused: the job's folder cannot be written; nothing was started.
        UtilityBusy: another launch of this key was under way and came to nothing.
    """
    _check(key)
    command = f"{prelude}\nexec {shlex.join(argv)}\n"
    keeper = script("machine", "job_shared", "job_keeper")
    for _ in range(_LAUNCHES):
        done = shell.run(script("machine", "job_shared", "job_launch"), key, command, keeper, data_directory)
        _first_line(done, shell)
        seen = status(shell, key)
        if seen.state is not JobState.NEVER:
            return seen
    raise UtilityBusy(f"The job {key} is being launched by somebody else.", "Try again in a minute.")


def status(shell: Shell, key: str, offset: int = 0) -> JobStatus:
    """What has become of a job, and its output from `offset` (bytes) on.

    Raises:
        HostUnreachable: the connection was lost.
    """
    _check(key)
    done = shell.run(script("machine", "job_shared", "job_state", "job_status"), key, str(offset), str(_MOST_BYTES))
    word, code, size = _first_line(done, shell)
    try:
        state, exit_code, total = JobState(word.lower()), None if code == "-" else int(code), int(size)
    except ValueError:
        raise UnreadableOutput("gpmedic's job status", " ".join((word, code, size))) from None
    output = done.stdout_bytes.partition(b"\n")[2]
    if state in ALIVE or offset + len(output) < total:
        output = output[: output.rfind(b"\n") + 1] or (output if len(output) == _MOST_BYTES else b"")
    return JobStatus(state, exit_code, offset + len(output), output.decode("utf-8", errors="replace"))


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job on this host; `age` is in seconds since its end where it has ended, else since its start."""

    key: str
    age: int


def ended_jobs(shell: Shell) -> tuple[ListedJob, ...]:
    """The jobs on this host that are DONE or LOST, whoever started them; the newest first.

    Raises:
        HostUnreachable: the connection was lost.
    """
    done = shell.run(script("machine", "job_shared", "job_state", "job_ended"))
    return tuple(sorted(_listed(done), key=lambda job: job.age))


def running_jobs(shell: Shell) -> tuple[ListedJob, ...]:
    """The jobs that are running or orphaned on this host, whoever started them; sorted by their keys.

    Raises:
        HostUnreachable: the connection was lost.
    """
    return _running(shell, "")


def jobs_on(shell: Shell, data_directory: str) -> tuple[ListedJob, ...]:
    """Those of them that work on the coordinator in this directory, under whatever name of the cluster.

    Raises:
        HostUnreachable: the connection was lost.
    """
    return _running(shell, data_directory)


def _running(shell: Shell, data_directory: str) -> tuple[ListedJob, ...]:
    done = shell.run(script("machine", "job_shared", "job_state", "job_running"), data_directory)
    return tuple(sorted(_listed(done), key=lambda job: job.key))


def _listed(done: Completed) -> list[ListedJob]:
    first, *lines = done.stdout.splitlines() or [""]
    if first != "JOBS" or not lines or lines.pop() != "END":
        raise UnreadableOutput("gpmedic's list of jobs", (done.stdout or done.stderr).strip()[-200:])
    jobs = (line.partition(" ") for line in lines)
    # A folder of another name is none of ours.
    return [ListedJob(key, int(age)) for age, _, key in jobs if age.isdecimal() and _KEY.fullmatch(key)]


def _check(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a job key: {key!r}")


def _first_line(done: Completed, shell: Shell) -> tuple[str, str, str]:
    line = done.stdout.partition("\n")[0]
    word, _, rest = line.partition(" ")
    if word == "ERROR":
        raise AccessRefused(
            f"A job could not be started on {shell.host}: {rest}.", "See whether the disk is full; nothing was started."
        )
    if not word:
        raise UnreadableOutput("gpmedic's job script", line or done.stderr.strip()[-200:])
    first, _, second = rest.partition(" ")
    return word, first, second
