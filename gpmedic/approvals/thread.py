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
    questions: list[Asked] = Field(default_factory=list)
    over: bool = False

    def asked(self, run: UUID, key: str) -> Asked | None:
        """The message of this question, where it was posted."""
        return next((a for a in self.questions if a.run == run and a.key == key), None)


def recall_thread(cluster: str) -> Thread | None:
    """The thread of the newest incident; None where there has been none."""
    kept = recall(_name(cluster))
    return None if kept is None else Thread.model_validate_json(kept)


def remember_thread(thread: Thread) -> None:
    """Keep it, in place of what was kept before."""
    thread.questions = thread.questions[-QUESTIONS_KEPT:]
    remember(_name(thread.cluster), thread.model_dump_json())


def _name(cluster: str) -> str:
    # Prefect wants lower case, in which two clusters may be called alike.
    return f"gpmedic-thread-{cluster.lower()}-{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"
