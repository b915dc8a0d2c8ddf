"""What a run has noted survives its suspension."""

from datetime import UTC, datetime

from flows.journal import Journal
from gpmedic.cluster import Cluster, Family, Mode, Role, Segment, Status, Version
from gpmedic.diagnosis import diagnose
from tasks.approve import Approval
from tasks.notify import Phase, Progress


def test_a_journal_is_the_same_after_it_was_kept_and_opened() -> None:
    coordinator = Segment(1, -1, Role.PRIMARY, Role.PRIMARY, Mode.NOT_IN_SYNC, Status.UP, 5432, "mdw", "mdw", "/data/c")
    primary = Segment(2, 0, Role.PRIMARY, Role.PRIMARY, Mode.NOT_IN_SYNC, Status.UP, 6000, "sdw1", "sdw1", "/data/p")
    mirror = Segment(3, 0, Role.MIRROR, Role.MIRROR, Mode.NOT_IN_SYNC, Status.DOWN, 7000, "sdw2", "sdw2", "/data/m")
    cluster = Cluster("gp6", Version(Family.GREENPLUM, 6, 24, "6.24.3"), (coordinator, primary, mirror))
    now = datetime.now(UTC)
    journal = Journal(cluster_name="gp6")
    journal.see(diagnose(cluster, ()))
    journal.hear(Progress(Phase.OBSERVE, "a mirror is down"))
    journal.approved(
        Approval(step="recover", fingerprint="abc", operator="anna", reason="", decided_at=now, expires_at=now)
    )
    assert Journal.model_validate_json(journal.model_dump_json()) == journal
