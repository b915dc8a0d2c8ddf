"""The job of a restart: what it says, and how long it may be at work."""

import re
from dataclasses import dataclass
from typing import Final

from gpmedic.amounts import duration
from gpmedic.errors import BeingRestarted, HostUnreachable

OUR_LINE: Final = re.compile(r"^gpmedic-restart: (.*)\n", re.MULTILINE)
"""What the job of a restart says itself, between what gpstop and gpstart print."""
MOST_TAKE: Final = 3600
"""Seconds. No bound: gpstop waits up to 600 s and gpstart up to 1800 s for each of what they stop and start in turn."""


def named_by_job(word: str, output: str) -> list[str]:
    """The postmasters and hosts that the job of a restart names with this word: left, waits (for), foreign, beside."""
    return [line.removeprefix(f"{word}: ") for line in OUR_LINE.findall(output) if line.startswith(f"{word}: ")]


@dataclass(frozen=True, slots=True)
class RestartAtWork:
    """One that has begun and not ended.

    Attributes:
        age: seconds since it began.
        said: the last line that it has printed.
    """

    host: str
    key: str
    age: int
    said: str = ""

    @property
    def overdue(self) -> bool:
        """Whether it takes longer than most: what it has stopped may stay so for good."""
        return self.age > MOST_TAKE

    def __str__(self) -> str:
        said = f' The last that it said: "{self.said}".' if self.said else ""
        return f"gpmedic's restart (job {self.key}) has been at work on {self.host} for {duration(self.age)}.{said}"

    def outage(self, found: str) -> HostUnreachable:
        """Why the coordinator does not answer.

        Args:
            found: how that showed.
        """
        output = f"Its output: ~/.gpmedic/jobs/{self.key}/out on {self.host}."
        if not self.overdue:
            return BeingRestarted(str(self), f"Start and activate nothing; wait until it has ended. {output}")
        advice = "Find out what it waits for, and activate nothing while it may still start the coordinator."
        return HostUnreachable(f"{found} {self}", f"{advice} {output}")
