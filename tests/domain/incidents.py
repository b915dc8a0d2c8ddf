"""Reports of incidents, as journals make them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.clusters import failed_over, healthy, mirror_dbid, primary_dbid, probes, switched
from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster
from gpmedic.diagnosis import diagnose
from gpmedic.events import Approval, Artifact, Decision, Event, history_event
from gpmedic.outcome import Outcome
from gpmedic.phases import Phase
from gpmedic.plan import Plan, make_plan
from gpmedic.recovery_report import RecoveryReport, Round
from gpmedic.resync import Sample, with_sample
from gpmedic.settings import PolicySettings
from gpmedic.verify import Proof, ProofName

START = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
ANNA = "Anna Ahn (Slack U0ANNA)"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def plan_of(cluster: Cluster) -> Plan:
    policy = PolicySettings(max_down_percent=100)
    return make_plan(diagnose(cluster, probes(cluster)), Capabilities(cluster.version), policy)


def line(seconds: float, phase: Phase, text: str, source: str = "gpmedic") -> Event:
    return Event(at(seconds), f"{phase.value}: {text}", source)


def caught_up(*waits: tuple[float, int, int]) -> tuple[Sample, ...]:
    """Each as its begin, its seconds and its bytes; one sample a second."""
    samples: tuple[Sample, ...] = ()
    for began, seconds, most in waits:
        for second in range(seconds + 1):
            left = round(most * (1 - second / seconds))
            rate = most / seconds if second else None
            one = Sample(at(began + second), int(second < seconds), left, 100 * second / seconds, rate)
            samples = with_sample(samples, one)
    return samples


def recovered(whole: Cluster | None = None, *contents: int) -> RecoveryReport:
    """A failed-over primary (of content 2), recovered, rebalanced and proven."""
    whole = whole or healthy()
    contents = contents or (2,)
    broken, turned = failed_over(whole, *contents), switched(whole, *contents)
    first, second = plan_of(broken), plan_of(turned)
    warning = Check(CheckName.CLOCK, "sdw2", Verdict.WARN, "its clock is +9 s off", "Set the clocks.")
    fts = f"FTS: update role, status, and mode for dbid {primary_dbid(2)} with contentid 2 to m, d, and n"
    promoted = f"FTS: update role, status, and mode for dbid {mirror_dbid(2)} with contentid 2 to p, u, and n"
    return RecoveryReport(
        cluster_name=whole.name,
        outcome=Outcome.RECOVERED,
        started=START,
        ended=at(390),
        before=diagnose(broken, probes(broken)),
        after=whole,
        found_later=diagnose(turned, probes(turned)).findings,
        rounds=(Round(first, (warning,)), Round(second, (warning,))),
        approvals=(
            Approval("recover", first.fingerprint, Decision.APPROVED, ANNA, at(95), "INC-7", "Slack", at(5)),
            Approval("rebalance", second.fingerprint, Decision.APPROVED, ANNA, at(330), "", "Slack", at(302)),
        ),
        events=(
            history_event(at(-42), primary_dbid(2), fts),
            history_event(at(-42), mirror_dbid(2), promoted),
            line(1, Phase.OBSERVE, diagnose(broken, probes(broken)).findings[0].sentence),
            line(2, Phase.EVIDENCE, "Saved the catalog, its history and the state of 2 copies on their hosts."),
            line(4, Phase.PRECHECK, "25 checks, 1 warnings, 0 failed."),
            line(5, Phase.APPROVE, "Waiting for a person's answer to recover (until 10:00:00 UTC)."),
            line(95, Phase.APPROVE, f"{ANNA} approved recover (INC-7)."),
            line(96, Phase.RECOVER, "Started gprecoverseg -a on mdw, detached as job recover-lab-03cc-20261123-0901."),
            line(118, Phase.RECOVER, "gprecoverseg has ended: recovered.", "gprecoverseg"),
            line(300, Phase.SYNCHRONIZE, "Every pair is synchronized, 3 min 0 s after the first look."),
            line(302, Phase.APPROVE, "Waiting for a person's answer to rebalance (until 10:00:00 UTC)."),
            line(330, Phase.APPROVE, f"{ANNA} approved rebalance."),
            line(331, Phase.REBALANCE, "Started gprecoverseg -a -r on mdw, detached as job rebalance-lab-6f-20261123."),
            line(352, Phase.REBALANCE, "gprecoverseg -r has ended: rebalanced.", "gprecoverseg"),
            line(380, Phase.SYNCHRONIZE, "Every pair is synchronized, 25 s after the first look."),
        ),
        proofs=(
            Proof(ProofName.NO_ROW_DOWN, True, "14 rows, every one up"),
            Proof(ProofName.EVERY_CONTENT_ANSWERS, True, "6 contents answered"),
        ),
        run="amber-otter",
        samples=caught_up((119, 181, 6 << 30), (353, 27, 80 << 20)),
        artifacts=(Artifact(at(2), "evidence-lab", "before the step recover"),),
    )


def declined() -> RecoveryReport:
    """The same, but somebody said no to the rebalance."""
    whole = recovered()
    first, second = whole.approvals
    return replace(
        whole,
        outcome=Outcome.STOPPED,
        after=switched(healthy(), 2),
        proofs=(),
        approvals=(first, replace(second, decision=Decision.DECLINED, by="boris", reason="not at noon")),
        events=whole.events[:11],
        samples=caught_up((119, 181, 6 << 30)),
        error="boris said no to rebalance (not at noon); it was not run.",
        next_action="Run the recovery of lab again when the plan is acceptable.",
        reason="not_approved",
    )
