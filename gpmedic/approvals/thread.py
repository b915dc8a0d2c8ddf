"""What the service must know again after a restart: which messages it has posted. Kept on the Prefect server."""

import hashlib
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field

from tasks.remember import recall, remember

QUESTIONS_KEPT: Final = 12


class Asked(BaseModel):
    """A question that was posted.

    Attributes:
        shown: a digest of the message as it is now.
        reminded: how many reminders were posted.
        settled: its answer is final, and the message says so.
    """

    run: UUID
    key: str
    ts: str
    shown: str = ""
    reminded: int = 0
    settled: bool = False


class Thread(BaseModel):
    """The thread of the newest incident of a cluster.

    Attributes:
        run: the recovery that is followed, of whose events `told` are posted.
        reported: the recovery whose report is attached already.
        report_tries: how often it could not be attached.
        over: the incident is closed; the next one opens another thread.
    """

    cluster: str
    channel: str
    opened_at: datetime
    ts: str
    shown: str = ""
    run: UUID | None = None
    told: int = 0
    reported: UUID | None = None
    report_tries: int = 0
    questions: list[Asked] = Field(default_factory=list)
    over: bool = False

    def asked(self, run: UUID, key: str) -> Asked | None:
        """The message of this question, where it was posted."""
        return next((a for a in self.questions if a.run == run and a.key == key), None)


class Threads:
    """The threads of all clusters: on the Prefect server, and in memory for when that takes nothing."""

    def __init__(self) -> None:
        self._held: dict[str, Thread] = {}
        self._unwritten: set[str] = set()

    def recall(self, cluster: str) -> Thread | None:
        """The thread of the newest incident; None where there has been none."""
        if cluster not in self._held:
            kept = recall(kept_name("thread", cluster))
            if kept is None:
                return None
            self._held[cluster] = Thread.model_validate_json(kept)
        return self._held[cluster]

    def held(self, cluster: str) -> Thread | None:
        """The same without asking the Prefect server: what `recall` has found, or this service has posted."""
        return self._held.get(cluster)

    def remember(self, thread: Thread) -> None:
        """Keep it, in place of what was kept before."""
        thread.questions = thread.questions[-QUESTIONS_KEPT:]
        self._held[thread.cluster] = thread
        self._unwritten.add(thread.cluster)
        self.write(thread.cluster)

    def write(self, cluster: str) -> None:
        """Store what could not be stored; before that nothing more may be posted, or a restart would repeat it all."""
        if cluster in self._unwritten:
            remember(kept_name("thread", cluster), self._held[cluster].model_dump_json())
            self._unwritten.discard(cluster)


def kept_name(what: str, cluster: str) -> str:
    """Under which name this is kept of a cluster."""
    # Prefect wants lower case, in which two clusters may be called alike.
    return f"gpmedic-{what}-{cluster.lower()}-{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"
