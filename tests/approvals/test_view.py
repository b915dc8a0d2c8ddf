"""What is told of a cluster: what was seen last, and nothing old as if it were new."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from domain.clusters import failed_over, healthy, probes, switched

from flows.health_note import HealthNote
from flows.journal import Journal
from gpmedic.approvals.view import NEWS, View
from gpmedic.cluster import Cluster
from gpmedic.conditions import Condition
from gpmedic.diagnosis import diagnose
from gpmedic.report import Outcome
from tasks.find_recovery import Recovery

NOW = datetime.now(UTC)


def seen(*clusters: Cluster) -> Journal:
    journal = Journal(cluster_name="lab")
    for cluster in clusters:
        journal.see(diagnose(cluster, probes(cluster)))
    return journal


def run(ended_at: datetime | None = None) -> Recovery:
    return Recovery(uuid4(), "otter", ended_at is None, None, None, ended_at)


def view(journal: Journal | None, recovery: Recovery | None, health: HealthNote | None = None) -> View:
    return View("lab", health, recovery, journal, None, NOW)


def test_while_a_recovery_runs_what_it_has_mended_is_not_told_as_broken() -> None:
    after = view(seen(failed_over(healthy(), 1), switched(healthy(), 1)), run())
    assert [finding.condition for finding in after.findings] == [Condition.ROLES_SWITCHED]
    assert after.wrong
    assert after.recent


def test_what_a_run_left_long_ago_opens_no_incident() -> None:
    journal = seen(failed_over(healthy(), 1))
    journal.end(Outcome.REFUSED)
    journal.looked_at = NOW - 2 * NEWS
    assert not view(journal, run(NOW - 2 * NEWS)).recent
    assert view(journal, run(NOW - NEWS / 2)).recent


def test_a_health_check_after_a_run_is_the_newest_word_and_says_when_it_looked() -> None:
    journal = seen(failed_over(healthy(), 1))
    journal.end(Outcome.REFUSED)
    health = HealthNote(cluster_name="lab", healthy=True, at=NOW - timedelta(minutes=1))
    now = view(journal, run(NOW - 2 * NEWS), health)
    assert (now.findings, now.wrong, now.looked_at) == ((), False, health.at)
