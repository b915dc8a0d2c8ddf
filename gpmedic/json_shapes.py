"""What `--json` prints, command by command: `docs/schemas` is made from these shapes, and each output is of its shape.

Names and meanings stay as they are from version to version; further ones may be added. Times are ISO 8601 with their
zone, durations seconds, sizes bytes.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from typing_extensions import TypedDict  # typing's own is not enough for pydantic before Python 3.12


class FindingJson(TypedDict):
    """One condition; the worst come first."""

    condition: str
    severity: str
    title: str
    contents: list[int]
    dbids: list[int]
    detail: str
    meaning: str
    next_action: str


class ProbeJson(TypedDict):
    """What a segment's own port has answered."""

    dbid: int
    state: str
    detail: str


class SegmentJson(TypedDict):
    """A row of gp_segment_configuration: the catalog's own letters, under its own names."""

    dbid: int
    content: int
    role: str
    preferred_role: str
    mode: str
    status: str
    hostname: str
    address: str
    port: int
    datadir: str


class LimitsJson(TypedDict):
    """What keeps gpmedic from acting; brake is on, off or unknown, and unknown counts as on."""

    automation: str
    brake: str
    brake_detail: str


class StatusJson(TypedDict):
    """A diagnosis; version is null and segments are empty where the coordinator was not reached."""

    cluster: str
    version: str | None
    healthy: bool
    scenario: str
    findings: list[FindingJson]
    probes: list[ProbeJson]
    segments: list[SegmentJson]
    limits: LimitsJson | None


class ErrorJson(TypedDict):
    """A cluster that could not be looked at."""

    cluster: str
    error: str
    next_action: str


class StepJson(TypedDict):
    """One step; argv is empty where it only looks."""

    action: str
    argv: list[str]
    dbids: list[int]
    contents: list[int]
    disruption: str
    needs_approval: bool
    effect: str


class PlanJson(TypedDict):
    """What would be done; the fingerprint binds an approval to it."""

    cluster: str
    scenario: str
    fingerprint: str
    steps: list[StepJson]
    limits: LimitsJson | None


class LostJson(TypedDict):
    """What does not answer, and since when."""

    since: str
    why: str


class SyncJson(TypedDict):
    """How mirrors catch up; null is what this Greenplum does not tell."""

    contents: list[int]
    remaining_bytes: int | None
    percent: float | None
    bytes_per_second: float | None
    seconds_left: float | None


class PhaseJson(TypedDict):
    """One phase; stand is done, now or to come; usual_seconds is the median of earlier recoveries."""

    phase: str
    stand: str
    seconds: float
    usual_seconds: float | None


class QuestionJson(TypedDict):
    """What waits for a person; second_after is who has said yes already where two are needed."""

    step: str
    command: str
    asked_at: str
    expires_at: str
    estimate: str
    second_after: str | None


class RecoveryNowJson(TypedDict):
    """The newest recovery; ended is empty while it goes on."""

    run: str
    began: str
    ended: str
    told: str
    phases: list[PhaseJson]
    question: QuestionJson | None


class WatchJson(TypedDict):
    """One look; status is null where it has failed."""

    cluster: str
    exit_code: int
    looked_at: str | None
    lost: LostJson | None
    status: StatusJson | None
    sync: SyncJson | None
    recovery: RecoveryNowJson | None
    prefect_lost: LostJson | None


class CheckJson(TypedDict):
    """One access; verdict is pass, warn or fail, and null where it was not checked."""

    access: str
    privilege: str
    verdict: str | None
    detail: str
    next_action: str


class DoctorJson(TypedDict):
    """Every access that gpmedic needs."""

    cluster: str
    fine: bool
    checks: list[CheckJson]


class BrakeJson(TypedDict):
    """Whether the brake is on; detail is its file and what stands in it."""

    cluster: str
    brake: str
    detail: str


class TimesJson(TypedDict):
    """How long a recovery took; detect is null where nobody knows when the fault was."""

    detect: float | None
    approve: float
    recover: float
    synchronize: float
    rebalance: float
    total: float


class ApprovalJson(TypedDict):
    """One person's answer to one step, and what became of it."""

    step: str
    decision: str
    by: str
    at: str
    via: str
    reason: str


class EventJson(TypedDict):
    """One line of the time line."""

    at: str
    source: str
    what: str


class ProofJson(TypedDict):
    """One proof that the cluster is healthy."""

    name: str
    holds: bool
    detail: str


class PartJson(TypedDict):
    """How long one part of the incident took; seconds is null where that is not known, and counted says why."""

    part: str
    seconds: float | None
    counted: str


class SampleJson(TypedDict):
    """How far the mirrors had caught up at one moment; null is what this Greenplum does not tell."""

    at: str
    wait: int
    contents: int
    remaining_bytes: int | None
    percent: float | None
    bytes_per_second: float | None


class NotDoneJson(TypedDict):
    """One step of the newest plan that was not done."""

    action: str
    command: str
    why: str


class FollowUpJson(TypedDict):
    """What is left for people."""

    kind: str
    what: str
    next_action: str


class EvidenceJson(TypedDict):
    """What was kept with the run in Prefect."""

    at: str
    artifact: str
    what: str


class IncidentJson(TypedDict):
    """One recovery of the history; began and seconds are null where it never began, reason where none is.

    The outcome is as of recover, or running, waiting or died.
    """

    cluster: str
    run: str
    id: str
    began: str | None
    seconds: float | None
    condition: str | None
    outcome: str
    reason: str | None
    approved_by: list[str]


class RecoverJson(TypedDict):
    """How a recovery ended: healthy, recovered, unproven, refused, stopped or failed; else running, waiting or died.

    The reason says in a word why nothing, or nothing more, was done; it is empty where nothing was refused.
    """

    cluster: str
    run: str
    outcome: str
    reason: str
    scenario: str
    started: str
    ended: str
    times: TimesJson
    findings: list[FindingJson]
    approvals: list[ApprovalJson]
    events: list[EventJson]
    proofs: list[ProofJson]
    parts: list[PartJson]
    resynchronization: list[SampleJson]
    not_done: list[NotDoneJson]
    follow_ups: list[FollowUpJson]
    evidence: list[EvidenceJson]
    error: str
    next_action: str


class ScoreJson(TypedDict):
    """What a trainee's answers are worth, and what gpmedic would do."""

    points: int
    most: int
    steps: list["JudgedJson"]


class JudgedJson(TypedDict):
    """One step of the plan, or one answer that is not in it."""

    action: str
    command: str
    answered: str
    verdict: str
    points: int


class DrillJson(TypedDict):
    """How a drill went; best and median are of earlier drills of this scenario and generation, null without any."""

    scenario: str
    generation: str
    recovered: bool
    rows_written: int
    rows_found: int
    times: TimesJson
    earlier: int
    best: TimesJson | None
    median: TimesJson | None
    score: ScoreJson | None


class ScenarioJson(TypedDict):
    """What can be drilled."""

    scenario: str
    breaks: str
    teaches: str
    generations: list[str]


class ServerJson(TypedDict):
    """One server of a practice cluster: what the catalog says, and what it really answers."""

    dbid: int
    content: int
    hostname: str
    port: int
    role: str
    preferred_role: str
    mode: str
    status: str
    really: str
    pid: int | None


class PracticeJson(TypedDict):
    """A practice cluster; faults are those in force, each with its target."""

    cluster: str
    version: str
    servers: list[ServerJson]
    faults: list[str]


SHAPES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "status": StatusJson,
        "status --all": list[StatusJson | ErrorJson],
        "plan": PlanJson,
        "watch": WatchJson,
        "doctor": DoctorJson | list[DoctorJson],
        "brake show": BrakeJson,
        "recover": RecoverJson,
        "report": RecoverJson,
        "history": list[IncidentJson],
        "drill": DrillJson,
        "drill --list": list[ScenarioJson],
        "practice status": PracticeJson,
    }
)


def file_name(command: str) -> str:
    """Of the schema of a command, in `docs/schemas`."""
    return f"{command.replace(' --', '-').replace(' ', '-')}.json"


def schema(command: str) -> dict[str, object]:
    """The JSON Schema of what `gpmedic COMMAND --json` prints."""
    from pydantic import TypeAdapter

    made = TypeAdapter(SHAPES[command]).json_schema()
    return {**made, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"gpmedic {command} --json"}


def main() -> None:
    """Write every schema into the folder that is named."""
    import json
    import sys
    from pathlib import Path

    for command in SHAPES:
        path = Path(sys.argv[1]) / file_name(command)
        path.write_text(json.dumps(schema(command), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
