"""A table whose rows are spread over all segments: written while things break, counted afterwards."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg2

from gpmedic.cluster import Role
from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Facts, SegmentFacts
from gpmedic.practice.layout import USER

_TABLE = "gpmedic_practice.ledger"


class Written:
    """What a background writer has written so far."""

    def __init__(self) -> None:
        self.rows = 0


class Ledger:
    """Writes to the acting primaries as a client of Greenplum does that tries again; one at a time.

    Args:
        facts: asks for the cluster's state.
        sockets: the directory of the servers' sockets.
        patience: seconds within which a row must be written.
    """

    def __init__(self, facts: Callable[[], Facts], sockets: str, patience: float = 60) -> None:
        self._facts = facts
        self._sockets = sockets
        self._patience = patience
        self._next = 0
        self._primaries: list[SegmentFacts] = []
        self._sessions: dict[int, psycopg2.extensions.connection] = {}

    def write(self, count: int, until: Event | None = None) -> None:
        """Write so many rows, each committed (and, where there is a mirror in sync, on it).

        Args:
            until: where given, patience begins only when it is set.

        Raises:
            PracticeError: a row could not be written in time.
        """
        for _ in range(count):
            identity = self._next
            self._next += 1

            def insert(cursor: "psycopg2.extensions.cursor", identity: int = identity) -> None:
                # When the answer of a commit is lost it may have happened: a second time does no harm.
                cursor.execute(f"INSERT INTO {_TABLE} (id) VALUES (%s) ON CONFLICT DO NOTHING", (identity,))  # noqa: S608

            self._on_primary(identity, insert, until)

    def count(self) -> int:
        """Rows on all acting primaries.

        Raises:
            PracticeError: one of them did not answer in time.
        """
        total = 0
        if not self._primaries:
            self._learn()
        for index in range(len(self._primaries)):
            found: list[int] = []

            def ask(cursor: "psycopg2.extensions.cursor", found: list[int] = found) -> None:
                cursor.execute(f"SELECT count(*) FROM {_TABLE}")  # noqa: S608 (our own name)
                found.extend(value for (value,) in cursor.fetchall())

            self._on_primary(index, ask)
            total += found[0]
        return total

    @contextmanager
    def writing(self, pause: float = 0.03) -> Iterator[Written]:
        """Write in the background until the block ends, a row every `pause` seconds; users wait as long as a recovery
        takes, and a row that cannot be written after it ends the block with an error."""
        written, stop, errors = Written(), Event(), list[Exception]()

        def work() -> None:
            try:
                while not stop.wait(pause):
                    self.write(1, stop)
                    written.rows += 1
            except PracticeError as error:
                errors.append(error)

        writer = Thread(target=work, name="practice-ledger", daemon=True)
        writer.start()
        try:
            yield written
        finally:
            stop.set()
            writer.join(self._patience + 1)
        if errors:
            raise errors[0]

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def _on_primary(
        self, key: int, work: Callable[["psycopg2.extensions.cursor"], None], until: Event | None = None
    ) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            if not self._primaries:
                self._learn()
            primary = self._primaries[key % len(self._primaries)]
            try:
                session = self._sessions.get(primary.dbid)
                if session is None or session.closed:
                    session = self._sessions[primary.dbid] = psycopg2.connect(
                        host=self._sockets, port=primary.port, user=USER, dbname="postgres", connect_timeout=5
                    )
                    session.autocommit = True
                with session.cursor() as cursor:
                    work(cursor)
                return
            except psycopg2.Error as error:
                self._sessions.pop(primary.dbid, None)
                self._primaries = []
                if until is not None and not until.is_set():
                    deadline = time.monotonic() + self._patience
                if time.monotonic() > deadline:
                    raise PracticeError(f"Content {primary.content} could not be reached: {error}".strip()) from None
                time.sleep(0.1)

    def _learn(self) -> None:
        primaries = [s for s in self._facts().data_segments if s.role is Role.PRIMARY]
        self._primaries = sorted(primaries, key=lambda s: s.content)
