"""Who answers at a terminal and in a drill where two people must approve."""

from datetime import UTC, datetime, timedelta

import pytest

from gpmedic.cli.attendants import choose_attendant
from gpmedic.practice import PracticeCluster
from tasks.approve import Proposal, Request


@pytest.mark.parametrize(("approved_by", "operator"), [(None, "practice operator"), ("x", "second practice operator")])
def test_a_drill_has_two_operators(cluster: PracticeCluster, approved_by: str | None, operator: str) -> None:
    now = datetime.now(UTC)
    proposal = Proposal(
        cluster=cluster.name, step="recover", fingerprint="aa", argv=("true",), dbids=(), text="the plan"
    )
    request = Request(
        key="recover-aa", proposal=proposal, asked_at=now, expires_at=now + timedelta(hours=1), approved_by=approved_by
    )
    assert choose_attendant(cluster.settings, yes=True).answer(request).operator == operator
