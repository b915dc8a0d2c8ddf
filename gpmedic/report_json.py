"""What was found and planned, for programs: plain values, whose names stay as they are from version to version."""

from gpmedic.cluster import Segment
from gpmedic.diagnosis import Diagnosis, Finding
from gpmedic.json_shapes import FindingJson, LimitsJson, PlanJson, SegmentJson, StatusJson, StepJson
from gpmedic.limits import Limits
from gpmedic.plan import Plan
from gpmedic.steps import Step


def diagnosis_json(diagnosis: Diagnosis, limits: Limits | None = None) -> StatusJson:
    """A diagnosis as JSON values; version is null and segments are empty where the coordinator was not reached.

    Args:
        limits: None where nobody looked.
    """
    cluster = diagnosis.cluster
    return {
        "cluster": diagnosis.cluster_name,
        "version": None if cluster is None else str(cluster.version),
        "healthy": diagnosis.healthy,
        "scenario": diagnosis.scenario.value,
        "findings": [finding_json(f) for f in diagnosis.findings],
        "probes": [{"dbid": p.dbid, "state": p.state.value, "detail": p.detail} for p in diagnosis.probes],
        "segments": [] if cluster is None else [_segment(s) for s in cluster.segments],
        "limits": _limits(limits),
    }


def plan_json(plan: Plan, limits: Limits | None = None) -> PlanJson:
    """A plan as JSON values."""
    return {
        "cluster": plan.cluster_name,
        "scenario": plan.scenario.value,
        "fingerprint": plan.fingerprint,
        "steps": [_step(s) for s in plan.steps],
        "limits": _limits(limits),
    }


def _limits(limits: Limits | None) -> LimitsJson | None:
    if limits is None:
        return None
    state = "unknown" if limits.unknown else "off" if limits.brake is None else "on"
    return {
        "automation": limits.automation.value,
        "brake": state,
        "brake_detail": limits.unknown or limits.brake or "",
    }


def finding_json(finding: Finding) -> FindingJson:
    """A finding as JSON values."""
    return {
        "condition": finding.condition.value,
        "severity": finding.facts.severity.value,
        "title": finding.facts.title,
        "contents": list(finding.contents),
        "dbids": list(finding.dbids),
        "detail": finding.detail,
        "meaning": finding.facts.meaning,
        "next_action": finding.facts.next_action,
    }


def _segment(segment: Segment) -> SegmentJson:
    return {
        "dbid": segment.dbid,
        "content": segment.content,
        "role": segment.role.value,
        "preferred_role": segment.preferred_role.value,
        "mode": segment.mode.value,
        "status": segment.status.value,
        "hostname": segment.hostname,
        "address": segment.address,
        "port": segment.port,
        "datadir": segment.datadir,
    }


def _step(step: Step) -> StepJson:
    return {
        "action": step.action.value,
        "argv": list(step.argv),
        "dbids": list(step.dbids),
        "contents": list(step.contents),
        "disruption": step.disruption.value,
        "needs_approval": step.disruption.needs_approval,
        "effect": step.effect,
    }
