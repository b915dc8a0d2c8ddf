"""gpinitstandby -n, which starts the standby coordinator again: its arguments, and what its output says.

From recorded runs of 6 and its sources; 4.3 and 7 are derived, they differ in the name of the coordinator. Its exit
code and its words say little: any row of pg_stat_replication, also of a pg_basebackup, makes it do nothing and call
the standby up, and it does not look whether the standby follows once it has started. The stream is the proof.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gpmedic import utility_log
from gpmedic.errors import UnreadableOutput
from gpmedic.utility_log import Level, Record

UTILITY: Final = "gpinitstandby"


class Outcome(StrEnum):
    UNFINISHED = "unfinished"
    STARTED = "the standby was started"
    RUNS_ALREADY = "a standby is connected already: nothing was done"
    NOT_CONFIGURED = "refused: no standby is configured"
    FAILED = "the standby could not be started"


@dataclass(frozen=True, slots=True)
class StandbyRestart:
    """What gpinitstandby -n said."""

    outcome: Outcome
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def restart_argv() -> tuple[str, ...]:
    """The command that starts the existing standby on its data directory and leaves the catalog alone."""
    return (UTILITY, "-a", "-n")


# The first that fits counts. "Standy" is how it is printed; coordinator stands for master since 7.
_ENDS: Final[tuple[tuple[Level, str, Outcome], ...]] = (
    (Level.INFO, r"Successfully started standby master", Outcome.STARTED),
    (Level.INFO, r"Stand(?:b)?y master is already up and running\.", Outcome.RUNS_ALREADY),
    (Level.ERROR, r"Error initializing standby master: Standby master not configured", Outcome.NOT_CONFIGURED),
    (Level.ERROR, r"Error initializing standby master: .*", Outcome.FAILED),
)
_KNOWN: Final = re.compile(
    r"Starting standby master|Checking if standby master is running on host: \S+ +in directory: .+"
)


def parse(text: str) -> StandbyRestart:
    """Read what gpinitstandby -n has printed so far; a last line without an end is left out.

    Raises:
        UnreadableOutput: it says something unknown, or two runs are mixed.
    """
    outcome = Outcome.UNFINISHED
    records = utility_log.read(text, UTILITY).records
    for record in records:
        message = record.message.replace("coordinator", "master")
        found = next((o for level, p, o in _ENDS if level is record.level and re.fullmatch(p, message)), None)
        if found is not None:
            outcome = found
        elif record.level is Level.INFO and not _KNOWN.fullmatch(message):
            raise record.unreadable()
        for line in record.continuation if record.level is Level.INFO else ():
            if not utility_log.is_dots(line):
                raise UnreadableOutput(UTILITY, line)
    return StandbyRestart(outcome, _texts(records, Level.WARNING), _texts(records, Level.ERROR, Level.CRITICAL))


def _texts(records: Sequence[Record], *levels: Level) -> tuple[str, ...]:
    return tuple(record.text for record in records if record.level in levels)
