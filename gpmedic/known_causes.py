"""Why a segment that was started does not stay up, where its log says it in words that are known from the field."""

import re
from dataclasses import dataclass
from typing import Final

from gpmedic.gprecoverseg import RecoveryType
from gpmedic.table import plain


@dataclass(frozen=True, slots=True)
class KnownCause:
    """One row of the table.

    Attributes:
        says: what a line of the log holds.
        meaning, next_action: for a person; the second completes "Next: ".
        rules_out: the ways of recovery that it makes useless; the mirror itself may run on and wait for ever.
    """

    says: re.Pattern[str]
    meaning: str
    next_action: str
    rules_out: frozenset[RecoveryType] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """A cause that a log names, and the words that do, of one line."""

    cause: KnownCause
    line: str


KNOWN_CAUSES: Final = (
    KnownCause(
        re.compile(r"no pg_hba\.conf entry for replication|pg_hba\.conf rejects replication"),
        "pg_hba.conf of the acting primary does not let its mirror stream",
        "Give the mirror's host an entry for replication in pg_hba.conf of the acting primary (and the other way round,"
        " for when the roles switch), load it with gpstop -u, then run the flow again.",
    ),
    KnownCause(
        # In the receiver's words: a primary says the rest of it, too, of a mirror that has asked it in vain.
        re.compile(
            r"could not receive data from WAL stream: \w+:\s+requested WAL segment \w+ has already been removed"
        ),
        "WAL that the mirror needs is no longer there",
        "Another incremental recovery does not help: run the flow recover, which proposes a copy over that mirror. Let"
        " the primaries keep more WAL (max_slot_wal_keep_size, wal_keep_segments).",
        frozenset({RecoveryType.INCREMENTAL}),
    ),
    KnownCause(
        re.compile(r"No space left on device|could not extend file .{1,200}: (?:wrote only|No space)"),
        "its file system is full",
        "Make room there, never by deleting WAL, then run the flow again.",
    ),
    KnownCause(
        re.compile(r"data directory .{1,200} has (?:group or world access|invalid permissions)"),
        "PostgreSQL does not start in a data directory that others may read",
        "Give the data directory mode 0700 on its host, then run the flow again.",
    ),
    KnownCause(
        re.compile(r"could not bind .{1,80}Address already in use|Is another postmaster already running on port"),
        "another process holds its port",
        "Find out on its host what listens there (ss -lntp). Where it is a postgres, see which data directory it serves"
        " and never kill it; where it is another program, move that. Then run the flow again.",
    ),
)


_STREAMS: Final = "started streaming WAL from primary at"


def known_cause(log: str) -> Told | None:
    """The cause that the newest line of a log names, of those that are known.

    None where there is none, and where the mirror has streamed since: that was another failure.
    """
    for line in reversed(log.splitlines()):
        if _STREAMS in line:
            return None
        for cause in KNOWN_CAUSES:
            if (found := cause.says.search(line)) is not None:
                return Told(cause, plain(line[found.start() :].strip())[:200])
    return None
