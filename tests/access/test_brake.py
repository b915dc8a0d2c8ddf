"""The brake, on a real host over real SSH."""

import pytest

from gpmedic.access import brake
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, Braked

from .conftest import Lab


def test_a_brake_that_nobody_pulled_is_off(shell: Shell) -> None:
    assert brake.pulled(shell, "prod") is None
    brake.require_released(shell, "prod")


def test_whoever_is_stopped_is_told_by_whom_and_how_to_go_on(shell: Shell) -> None:
    brake.pull(shell, "prod", "anna: storage\nmigration 'tonight' $(date)")
    with pytest.raises(
        Braked, match=r"brake-prod: anna: storage migration 'tonight' \$\(date\).*nothing was"
    ) as caught:
        brake.require_released(shell, "prod")
    assert "gpmedic brake off prod" in caught.value.next_action


def test_the_brake_of_one_cluster_leaves_another_alone(shell: Shell) -> None:
    brake.pull(shell, "prod", "anna")
    brake.require_released(shell, "test")


def test_a_released_brake_is_off(shell: Shell) -> None:
    brake.pull(shell, "prod", "anna")
    assert brake.release(shell, "prod") is None
    brake.require_released(shell, "prod")


def test_a_file_that_a_person_has_touched_stops_every_cluster_and_only_a_person_removes_it(
    lab: Lab, shell: Shell
) -> None:
    (lab.home() / ".gpmedic").mkdir(exist_ok=True)
    (lab.home() / ".gpmedic/brake").touch()
    for cluster in ("prod", "test"):
        with pytest.raises(Braked):
            brake.require_released(shell, cluster)
    assert brake.release(shell, "prod") is not None


def test_a_brake_that_cannot_be_written_says_so(lab: Lab, shell: Shell) -> None:
    (lab.home() / ".gpmedic").write_text("in the way")
    with pytest.raises(AccessRefused, match="cannot be written"):
        brake.pull(shell, "prod", "anna")
