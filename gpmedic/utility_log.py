"""The log lines that Greenplum's utilities print: `20261123:08:46:40:010153 gpstate:mdw:gpadmin-[INFO]:-text`.

Everything of a utility goes to stdout: log lines, errors, progress as dots, dumps of pg_controldata, prompts (T27).
This module tells lines of one run from the rest by their structure; what a line means is each utility's own matter.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gpmedic.errors import UnreadableOutput

_PREFIX = re.compile(
    r"(?P<time>\d{8}:\d\d:\d\d:\d\d):(?P<pid>\d{1,10}) "
    # "gprecoverseg:default-[ERROR]" is printed before host and user are known: the lock is held
    # "gpsegstart.py_sdw1:gpadmin:sdw1:gpadmin" is how the workers on the hosts name themselves
    r"(?P<utility>[\w.-]+)(?::[^\s:\[]+)??:(?:(?P<host>[^\s:]+):(?P<user>[^\s:]+)|default)-"
    r"\[(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\]:-(?P<message>.*)"
)
# A prompt has no end of line of its own and the answer is not echoed without a terminal: the next line is glued to it.
_PROMPT = re.compile(r"^(?:> )+(?=\d{8}:\d\d:\d\d:\d\d:\d+ )")
_DOTS = re.compile(r"[. ]*")
_RULE = re.compile(r"-{3,}|\*{3,}|={3,}")
_LABELLED = re.compile(r"(?P<indent> *)(?P<label>\S.*?) += ?(?P<value>.*)")
_LONGEST_LABELLED = 4096  # finding the value takes time that grows with the square of the length
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_ARROWS = " <<<<<<<<"


class Level(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True)
class Record:
    """One log line of a run.

    Attributes:
        time: by the clock and in the time zone of the coordinator's host.
        host, user: None where the utility stopped before it knew them.
        message: what follows `]:-`, its indent kept.
        continuation: lines without a prefix that follow it, up to the next log line.
        line: the whole line as printed.
    """

    time: datetime
    pid: int
    utility: str
    host: str | None
    user: str | None
    level: Level
    message: str
    line: str
    continuation: tuple[str, ...] = ()

    @property
    def is_rule(self) -> bool:
        """A line of dashes, stars or equals signs that only separates."""
        return _RULE.fullmatch(self.message) is not None

    @property
    def marked(self) -> bool:
        """A row of a table that the utility warns of: it loses three blanks of indent and gains arrows."""
        return self.level is Level.WARNING and self.message.endswith(_ARROWS)

    @property
    def row(self) -> str:
        """The message as a row of a table: arrows taken away and the indent given back, so that columns line up."""
        return "   " + self.message.removesuffix(_ARROWS).rstrip() if self.marked else self.message

    @property
    def text(self) -> str:
        """The message together with its continuation, lines joined by a blank: for people."""
        return " ".join(part for part in (self.message.strip(), *(c.strip() for c in self.continuation)) if part)

    def unreadable(self) -> UnreadableOutput:
        return UnreadableOutput(self.utility, self.line)


@dataclass(frozen=True, slots=True)
class Log:
    """The output of one run of a utility.

    Attributes:
        records: its own log lines; those of other utilities, and what follows them, are left out.
        rest: the last line where it has not ended yet, else "".
    """

    utility: str
    records: tuple[Record, ...]
    rest: str = ""

    def finished(self) -> tuple[Record, ...]:
        """All records of output that must have come to its end.

        Raises:
            UnreadableOutput: nothing was printed, or the last line was cut off.
        """
        if self.rest or not self.records:
            raise UnreadableOutput(self.utility, self.rest)
        return self.records


def read(text: str, utility: str) -> Log:
    """Read what `utility` printed, from its very first byte on, line ends kept.

    Lines before its first log line are left out: banners of SSH and the profile (T12).

    Raises:
        UnreadableOutput: the output of two runs of the same utility is mixed.
    """
    *lines, rest = text.split("\n")
    records: list[tuple[Record, list[str]]] = []
    own = True  # a line without a prefix belongs to the log line before it, even to a foreign one
    for line in lines:
        record = _record(_PROMPT.sub("", line.rstrip("\r"), count=1))
        if record is None:
            if own and records:
                records[-1][1].append(line.rstrip("\r"))
            continue
        own = record.utility == utility
        if own and records and record.pid != records[0][0].pid:
            raise record.unreadable()
        if own:
            records.append((record, []))
    return Log(utility, tuple(replace(record, continuation=tuple(after)) for record, after in records), rest)


def is_dots(line: str) -> bool:
    """True for an empty line and for dots that only show that something goes on."""
    return _DOTS.fullmatch(line) is not None


def integer(text: str) -> int:
    """A plain number; ValueError for anything else, also for what only Python would take for one, as 6_000."""
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(text[:40])
    return int(text)


def labelled(record: Record) -> tuple[str, str] | None:
    """Label and value of a line `   Label   = value`; None where it is none. Arrows and padding are taken away."""
    match = _LABELLED.fullmatch(record.row) if len(record.row) < _LONGEST_LABELLED else None
    return None if match is None else (match["label"].strip(), match["value"].strip())


def _record(line: str) -> Record | None:
    match = _PREFIX.fullmatch(line)
    if match is None:
        return None
    try:
        time = datetime.strptime(match["time"], "%Y%m%d:%H:%M:%S")  # the log tells no time zone
    except ValueError:
        return None
    pid, level = int(match["pid"]), Level(match["level"])
    return Record(time, pid, match["utility"], match["host"], match["user"], level, match["message"], line)
