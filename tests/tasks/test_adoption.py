"""Whose job a key names."""

from datetime import datetime

import pytest

from gpmedic.plan import Action
from tasks.run_utility import action_of

TAIL = f"0123456789abcdef-{datetime(2026, 1, 2):%Y%m%d-%H%M%S%f}"


@pytest.mark.parametrize(
    ("key", "cluster", "action"),
    [
        (f"recover-gp-{TAIL}", "gp", Action.RECOVER),
        (f"rebalance-gp-{TAIL}", "gp", Action.REBALANCE),
        (f"recover-gp-test-{TAIL}", "gp-test", Action.RECOVER),
        (f"recover-gp-test-{TAIL}", "gp", None),
        (f"recover-gp-{TAIL}", "gp-test", None),
        ("backup-gp", "gp", None),
        ("recover", "recover", None),
    ],
)
def test_a_job_belongs_to_the_cluster_whose_whole_name_is_in_its_key(
    key: str, cluster: str, action: Action | None
) -> None:
    assert action_of(key, cluster) is action
