"""The brake, on a real host over real SSH."""

import pytest

from gpmedic.access import brake
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused, Braked

from .conftest import Lab


def test_a_brake_that_nobody_pulled_is_off(lab: Lab, shell: Shell) -> None:
    assert brake.pulled(shell, lab.cluster()) is None
    brake.require_released(shell, lab.cluster())


def test_whoever_is_stopped_is_told_by_whom_and_how_to_go_on(lab: Lab, shell: Shell) -> None:
    brake.pull(shell, lab.cluster(), "anna: storage\nmigration 'tonight' $(date)")
    with pytest.raises(
        Braked, match=r"brake-prod: anna: storage migration 'tonight' \$\(date\).*nothing was"
    ) as caught:
        brake.require_released(shell, lab.cluster())
    assert "gpmedic brake off prod" in caught.value.next_action


def test_the_brake_of_one_cluster_leaves_another_alone(lab: Lab, shell: Shell) -> None:
    brake.pull(shell, lab.cluster(), "anna")
    brake.require_released(shell, lab.cluster("test", "/data/test/gpseg-1"))


def test_a_cluster_that_is_registered_under_two_names_has_one_brake(lab: Lab, shell: Shell) -> None:
    data = lab.folder / "data"
    data.mkdir()
    (lab.folder / "link").symlink_to(data)
    names = (lab.cluster("prod", f"{data}"), lab.cluster("finance", f"{lab.folder / 'link'}/"))
    for pulled, released in (names, reversed(names)):
        brake.pull(shell, pulled, "anna")
        for cluster in names:
            with pytest.raises(Braked):
                brake.require_released(shell, cluster)
        assert brake.release(shell, released) is None
        for cluster in names:
            brake.require_released(shell, cluster)


def test_a_released_brake_is_off(lab: Lab, shell: Shell) -> None:
    brake.pull(shell, lab.cluster(), "anna")
    assert brake.release(shell, lab.cluster()) is None
    brake.require_released(shell, lab.cluster())


def test_a_file_that_a_person_has_touched_stops_every_cluster_and_only_a_person_removes_it(
    lab: Lab, shell: Shell
) -> None:
    (lab.home() / ".gpmedic").mkdir(exist_ok=True)
    (lab.home() / ".gpmedic/brake").touch()
    for cluster in (lab.cluster(), lab.cluster("test", "/data/test/gpseg-1")):
        with pytest.raises(Braked):
            brake.require_released(shell, cluster)
    assert brake.release(shell, lab.cluster()) is not None


def test_a_brake_that_cannot_be_written_says_so(lab: Lab, shell: Shell) -> None:
    (lab.home() / ".gpmedic").write_text("in the way")
    with pytest.raises(AccessRefused, match="cannot be written"):
        brake.pull(shell, lab.cluster(), "anna")
