"""What a live view of a cluster shows: the last look, the recovery that goes on, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gpmedic.diagnosis import Diagnosis
from gpmedic.json_shapes import LostJson, RecoveryNowJson, SyncJson, WatchJson
from gpmedic.limits import Limits
from gpmedic.phases import Phase
from gpmedic.picture import Picture, picture
from gpmedic.report_json import diagnosis_json
from gpmedic.sync import SyncProgress
from gpmedic.table import plain


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the cluster at one moment.

    Attributes:
        probes_age: seconds since the primaries were asked themselves.
        sync: how mirrors catch up; None where none has to.
    """

    at: datetime
    diagnosis: Diagnosis
    limits: Limits
    probes_age: float
    sync: SyncProgress | None = None

    @property
    def picture(self) -> Picture | None:
        cluster = self.diagnosis.cluster
        return None if cluster is None else picture(cluster, self.diagnosis.probes)


class Stand(Enum):
    """How far a phase is."""

    DONE = "done"
    NOW = "now"
    TO_COME = "to come"


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One phase of a recovery.

    Attributes:
        seconds: that it has taken, of the present phase until `since`.
        since: from when on the present phase counts; None for all others.
        usual: what it took in earlier recoveries of this cluster, their median; None where none is on record.
    """

    phase: Phase
    stand: Stand
    seconds: float
    usual: float | None = None
    since: datetime | None = None

    def elapsed(self, now: datetime) -> float:
        """Seconds that it has taken until now."""
        return self.seconds + (0 if self.since is None else max(0.0, (now - self.since).total_seconds()))


@dataclass(frozen=True, slots=True)
class Question:
    """What waits for a person.

    Attributes:
        command: what a yes would start.
        estimate: a sentence, how long that will take.
        second_after: who has said yes already, where two people are needed.
    """

    step: str
    command: str
    asked_at: datetime
    expires_at: datetime
    estimate: str = ""
    second_after: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """A recovery of the cluster, as Prefect knows it.

    Attributes:
        run: its name.
        told: its last words, and when.
        ended: how; "" while it goes on.
    """

    run: str
    began: datetime
    phases: tuple[PhaseRow, ...]
    told: str = ""
    told_at: datetime | None = None
    question: Question | None = None
    ended: str = ""

    @property
    def now(self) -> PhaseRow | None:
        return next((row for row in self.phases if row.stand is Stand.NOW), None)


@dataclass(frozen=True, slots=True)
class Lost:
    """What does not answer any more, or not yet; it is tried again."""

    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is shown, at one moment.

    Attributes:
        look: the last that succeeded; None before the first.
        lost: why the newest look has failed; None where it has not.
        incident: None where no recovery is known.
        prefect: what keeps the recovery from being seen; None where nothing does.
        interval: seconds between two looks.
    """

    cluster: str
    interval: float
    look: Look | None = None
    lost: Lost | None = None
    incident: Incident | None = None
    prefect: Lost | None = None

    @property
    def exit_code(self) -> int:
        """As that of `gpmedic status`, by what was seen last."""
        if self.look is None or self.lost is not None:
            return 2
        return 0 if self.look.diagnosis.healthy else 1


def summary(scene: Scene) -> str:
    """One line without times and percents: it changes when something has happened."""
    parts = []
    if scene.lost is not None:
        parts.append(f"connection lost: {scene.lost.why}")
    elif scene.look is not None:
        findings = scene.look.diagnosis.findings
        parts.append("; ".join(f.sentence for f in findings) if findings else "healthy")
        parts.extend(scene.look.limits.sentences)
    incident = scene.incident
    if incident is not None and incident.ended:
        parts.append(f"recovery {incident.run}: {incident.ended}")
    elif incident is not None:
        parts.append(f"recovery {incident.run}: {incident.now.phase.value if incident.now else 'begins'}")
    if incident is not None and incident.question is not None:
        parts.append(f"waits for a person's answer to {incident.question.command}")
    if scene.prefect is not None:
        parts.append(f"Prefect not reached: {scene.prefect.why}")
    return plain(" | ".join(parts))


def scene_json(scene: Scene) -> WatchJson:
    """As JSON values; `status` is what `gpmedic status --json` prints, null where the last look has failed."""
    look, incident = scene.look, scene.incident
    return {
        "cluster": scene.cluster,
        "exit_code": scene.exit_code,
        "looked_at": None if look is None else look.at.isoformat(),
        "lost": _lost(scene.lost),
        "status": None if look is None or scene.lost else diagnosis_json(look.diagnosis, look.limits),
        "sync": None if look is None or look.sync is None else _sync(look.sync),
        "recovery": None if incident is None else _incident(incident),
        "prefect_lost": _lost(scene.prefect),
    }


def _lost(lost: Lost | None) -> LostJson | None:
    return None if lost is None else {"since": lost.since.isoformat(), "why": lost.why}


def _sync(sync: SyncProgress) -> SyncJson:
    return {
        "contents": [c.content for c in sync.last.contents],
        "remaining_bytes": sync.remaining,
        "percent": sync.percent,
        "bytes_per_second": sync.rate,
        "seconds_left": sync.eta,
    }


def _incident(incident: Incident) -> RecoveryNowJson:
    question = incident.question
    return {
        "run": incident.run,
        "began": incident.began.isoformat(),
        "ended": incident.ended,
        "told": incident.told,
        "phases": [
            {"phase": row.phase.value, "stand": row.stand.value, "seconds": row.seconds, "usual_seconds": row.usual}
            for row in incident.phases
        ],
        "question": None
        if question is None
        else {
            "step": question.step,
            "command": question.command,
            "asked_at": question.asked_at.isoformat(),
            "expires_at": question.expires_at.isoformat(),
            "estimate": question.estimate,
            "second_after": question.second_after,
        },
    }
