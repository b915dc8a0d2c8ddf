"""How a recovery ended, for programs."""

from gpmedic.follow_ups import follow_ups
from gpmedic.incident_times import incident_times
from gpmedic.json_shapes import RecoverJson, TimesJson
from gpmedic.not_done import not_done
from gpmedic.recovery_report import RecoveryReport
from gpmedic.report_json import finding_json
from gpmedic.times import Times, times


def recovery_json(report: RecoveryReport) -> RecoverJson:
    """The report as JSON values; the checks and the segments are in the report for people."""
    return {
        "cluster": report.cluster_name,
        "run": report.run,
        "outcome": report.outcome.value,
        "reason": report.reason,
        "scenario": report.before.scenario.value,
        "started": report.started.isoformat(),
        "ended": report.ended.isoformat(),
        "times": times_json(times(report)),
        "findings": [finding_json(f) for f in (*report.before.findings, *report.found_later)],
        "approvals": [
            {
                "step": a.step,
                "decision": a.decision.value,
                "by": a.by,
                "at": a.at.isoformat(),
                "via": a.via,
                "reason": a.reason,
            }
            for a in report.approvals
        ],
        "events": [{"at": e.at.isoformat(), "source": e.source, "what": e.what} for e in report.events],
        "proofs": [{"name": p.name.value, "holds": p.holds, "detail": p.detail} for p in report.proofs],
        "parts": [{"part": t.part.value, "seconds": t.seconds, "counted": t.told} for t in incident_times(report)],
        "resynchronization": [
            {
                "at": s.at.isoformat(),
                "wait": s.wait,
                "contents": s.contents,
                "remaining_bytes": s.remaining,
                "percent": s.percent,
                "bytes_per_second": s.rate,
            }
            for s in report.samples
        ],
        "not_done": [
            {"action": n.step.action.value, "command": n.step.command, "why": n.why} for n in not_done(report)
        ],
        "follow_ups": [
            {"kind": t.kind.value, "what": t.what, "next_action": t.next_action} for t in follow_ups(report)
        ],
        "evidence": [{"at": a.at.isoformat(), "artifact": a.key, "what": a.what} for a in report.artifacts],
        "error": report.error,
        "next_action": report.next_action,
    }


def times_json(of: Times) -> TimesJson:
    """In seconds, to the millisecond."""
    return {
        "detect": None if of.detect is None else round(of.detect, 3),
        "approve": round(of.approve, 3),
        "recover": round(of.recover, 3),
        "synchronize": round(of.synchronize, 3),
        "rebalance": round(of.rebalance, 3),
        "total": round(of.total, 3),
    }
