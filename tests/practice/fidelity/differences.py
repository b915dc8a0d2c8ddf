"""What is deliberately different between the stand-ins and the recordings: all of it, with the reason.

`test_differences.py` holds the table: it names every recorded call that is not compared, and no row is stale.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from tests.practice.fidelity.calls import utility_of
from tests.transcripts import Step


class What(Enum):
    """What of a call is different."""

    RUN = "everything"
    LINES = "some lines of stdout"
    STDERR = "stderr"
    EXIT_CODE = "the exit code"


class Difference(NamedTuple):
    """Attributes:
    where: a recorded step; or a utility, for all its steps.
    lines: of LINES: a regular expression over normalised lines that are joined by newlines.
    mark: what stands for `lines` on both sides, so that both have some there; "": the recording alone has them.
    """

    where: str
    what: What
    reason: str
    lines: str = ""
    mark: str = ""


ABOUT_STANDBYS = "The stand-in starts a standby (-n); what makes or removes one is not needed in a practice cluster."
OTHER_COMMAND = "Output of another command in the same step: "
OTHER_RUN = OTHER_COMMAND + "the end of a second gprecoverseg, whose beginning is not shown."
KILLED = "Killed from outside: 255 is what ssh made of it; the stand-in is followed as far as the recording goes."

DIFFERENCES: tuple[Difference, ...] = (
    Difference("01-healthy/11-gpstate-table", What.RUN, "An experimental option that nobody here asks for."),
    Difference(
        "02-primary-killed/27-gprecoverseg-r-a",
        What.RUN,
        "T30: a Python error of the real one that came in one run of three.",
    ),
    Difference(
        "a-healthy/14-gprecoverseg-help",
        What.RUN,
        "Its prose is Greenplum's own and is not repeated; that both name the same options is a test of its own.",
    ),
    Difference(
        "h1-nothing-to-do/17-gprecoverseg-on-the-standby-host",
        What.RUN,
        "The practice cluster has gprecoverseg on the coordinator's host only.",
    ),
    Difference("k-standby-master-killed/18-gpinitstandby-s-while-still-configured", What.RUN, ABOUT_STANDBYS),
    Difference("k-standby-master-killed/19-gpinitstandby-r", What.RUN, ABOUT_STANDBYS),
    Difference("k-standby-master-killed/21-gpinitstandby-s", What.RUN, ABOUT_STANDBYS),
    Difference(
        "gprecoverseg",
        What.LINES,
        "The practice cluster's PostgreSQL is newer than Greenplum's: its pg_controldata dumps other lines.",
        r"stdout: pg_control version number(?:.*\n)+?stderr:\n",
        mark="CONTROLDATA\n",
    ),
    Difference(
        "gprecoverseg",
        What.LINES,
        "The frames of a Traceback are places in Greenplum's source, which the stand-in does not repeat.",
        r'^ File ".*\n(?: (?!File ").*\n)?',
    ),
    Difference(
        "gprecoverseg",
        What.LINES,
        "The recorded cluster could not write into its own GPHOME; the practice cluster can.",
        r"^gprecoverseg ERROR -\[Errno 13\] Permission denied: '\S+/share/packages'\nTraceback(?:.*\n)*?"
        r"gprecoverseg WARNING -Please run gppkg --clean after successful segment recovery\.\n",
    ),
    Difference(
        "gprecoverseg",
        What.LINES,
        "The containers that were recorded shared one IPC namespace; nothing of Greenplum's.",
        r"^gprecoverseg ERROR -Unable to clean up shared memory for segment: \(ipcrm: invalid id \(5\)\n(?:.*\n)*?"
        r"gprecoverseg WARNING -Unable to clean up shared memory for stopped segments on host \(gp-s2\)\n",
    ),
    Difference(
        "l1-gprecoverseg-before-fts-noticed/03-gprecoverseg-a-after-manual-fts-probe",
        What.LINES,
        OTHER_COMMAND + "psql before it.",
        r"^t\n",
    ),
    Difference("h1-nothing-to-do/04-gprecoverseg-o", What.LINES, OTHER_COMMAND + "ls after it.", r"^-rw-r--r-- 1 .*\n"),
    Difference("09-errors/41-concurrent", What.LINES, OTHER_RUN, r"(?:^.*\n){2}^rc1=0\n\Z"),
    Difference("14-lock/02-concurrent", What.LINES, OTHER_RUN, r"(?:^.*\n){2}^rc1=0\n\Z"),
    Difference(
        "e1-host-link-down-and-back/01-wal_sender_timeout-to-60s",
        What.LINES,
        OTHER_COMMAND + "gpconfig before it.",
        r"^gpconfig .*\n",
    ),
    Difference(
        "d1-both-killed-gpstop-ar/15-gpstop-ar",
        What.LINES,
        "How far the real one was when it looked in between; the stand-in looks at the beginning and at the end.",
        r"^gpstop INFO -66\.67% of jobs completed\n",
    ),
    Difference(
        "f1b-host-reachable-again-but-disks-empty-i-to-sdw4/05-gprecoverseg-i-BAD-unknown-target-host",
        What.STDERR,
        "The words of ssh, of which the replay starts none.",
    ),
    Difference("h3-two-at-once-and-killed-midway/14-gprecoverseg-aF-to-be-killed", What.EXIT_CODE, KILLED),
    Difference(
        "l5-gprecoverseg-interrupted-by-SIGINT-and-SIGTERM/11-gprecoverseg-aF-gets-SIGTERM", What.EXIT_CODE, KILLED
    ),
)

Table = Sequence[Difference]


def listed(step: Step, what: What, table: Table = DIFFERENCES) -> bool:
    """Whether this of a step is different on purpose."""
    return any(row.what is what and row.where == str(step) for row in table)


def compared(steps: Iterable[Step]) -> list[Step]:
    """Those of `steps` that are not different as a whole."""
    return [step for step in steps if not listed(step, What.RUN)]


def of_recording(lines: Sequence[str], step: Step, table: Table) -> list[str]:
    """What the stand-in has to print, from the normalised lines of a recording."""
    return _replaced(lines, [row for row in table if _applies(row, step)])


def of_stand_in(lines: Sequence[str], step: Step, table: Table) -> list[str]:
    """The normalised lines of a stand-in, with the marks of what it prints in its own way."""
    return _replaced(lines, [row for row in table if row.mark and _applies(row, step)])


def _applies(row: Difference, step: Step) -> bool:
    return row.what is What.LINES and row.where in (str(step), utility_of(step))


def _replaced(lines: Sequence[str], rows: Iterable[Difference]) -> list[str]:
    text = "".join(f"{line}\n" for line in lines)
    for row in rows:
        text = re.sub(row.lines, row.mark, text, flags=re.M)
    return text.splitlines()
