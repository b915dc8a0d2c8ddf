"""Where gpmedic may not act: a cluster that is only observed, a brake that is on, a segment that fails again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.attend import attend
from flows.recover import recover
from gpmedic.access import brake
from gpmedic.access.ssh import Shell
from gpmedic.errors import Braked, ObserveOnly, PrecheckFailed
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.report import Outcome
from gpmedic.settings import RepeatedFailure
from tasks.approve import Answer, Request


@pytest.fixture(scope="module")
def running() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"permission-{os.getpid()}", "6") as cluster:
        yield cluster


@pytest.fixture
def practice(running: PracticeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PracticeCluster:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    running.register()
    return running


def policy(cluster: PracticeCluster, folder: Path, text: str) -> None:
    """Register the cluster with another policy than the one for practice."""
    head, _, _ = (cluster.folder / "cluster.toml").read_text().partition("[policy]")
    (folder / f"{cluster.name}.toml").write_text(f"{head}[policy]\n{text}\n")


def yes(_request: Request) -> Answer:
    return Answer(decision="yes", operator="anna")


def nobody(request: Request) -> Answer:
    raise AssertionError(f"asked for {request.key}")


def break_mirror(cluster: PracticeCluster, content: int) -> None:
    """Each test takes a content of its own: what is down twice within the hour is refused."""
    cluster.break_(Fault.KILL_MIRROR, content=content)
    cluster.wait_until(lambda facts: facts.segment(8 + content).status.value == "d")


def jobs_of(cluster: PracticeCluster) -> list[Path]:
    return sorted((cluster.folder / "hosts" / "mdw" / ".gpmedic" / "jobs").glob("recover-*"))


def test_a_cluster_registered_without_a_word_is_only_observed_and_one_that_is_braked_is_left_alone(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    break_mirror(practice, 5)
    before = jobs_of(practice)

    policy(practice, tmp_path, "")
    with pytest.raises(ObserveOnly, match=r"only observed.*nothing was touched"):
        attend(lambda: recover(practice.name), nobody)

    policy(practice, tmp_path, 'automation = "with_approval"')
    with Shell.connect(practice.settings.ssh) as shell:
        brake.pull(shell, practice.settings, "anna: storage migration")
        with pytest.raises(Braked, match="storage migration"):
            attend(lambda: recover(practice.name), nobody)

        brake.release(shell, practice.settings)
    assert jobs_of(practice) == before


@pytest.mark.chaos
def test_a_brake_that_is_pulled_while_the_question_stands_stops_what_was_approved(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    policy(practice, tmp_path, 'automation = "with_approval"')
    break_mirror(practice, 3)
    before = jobs_of(practice)
    with Shell.connect(practice.settings.ssh) as shell:

        def pulls_the_brake_and_says_yes(request: Request) -> Answer:
            brake.pull(shell, practice.settings, "boris: stop")
            return yes(request)

        with pytest.raises(Braked, match="boris: stop"):
            attend(lambda: recover(practice.name), pulls_the_brake_and_says_yes)
        brake.release(shell, practice.settings)
    assert jobs_of(practice) == before


@pytest.mark.chaos
def test_what_fails_again_is_recovered_once_and_then_only_where_somebody_asks_for_it(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    policy(practice, tmp_path, 'automation = "with_approval"')
    break_mirror(practice, 0)
    before = jobs_of(practice)
    assert attend(lambda: recover(practice.name), yes).outcome is Outcome.RECOVERED
    break_mirror(practice, 0)
    with pytest.raises(PrecheckFailed, match=r"no repeated failure .*marked down 2 times"):
        attend(lambda: recover(practice.name), nobody)
    assert len(jobs_of(practice)) == len(before) + 1

    shown: list[str] = []

    def reads_and_says_yes(request: Request) -> Answer:
        shown.append(request.proposal.text)
        return yes(request)

    report = attend(lambda: recover(practice.name, RepeatedFailure.ASK), reads_and_says_yes)
    assert report.outcome is Outcome.RECOVERED
    assert "marked down 2 times" in shown[0]


@pytest.mark.chaos
def test_two_people_are_asked_where_the_policy_says_so(practice: PracticeCluster, tmp_path: Path) -> None:
    policy(practice, tmp_path, 'automation = "with_approval"\nrepeat_window = 0\ntwo_people = ["recover"]')
    break_mirror(practice, 1)
    people, asked = iter(["anna", "boris"]), list[str | None]()

    def each_in_turn(request: Request) -> Answer:
        asked.append(request.approved_by)
        return Answer(decision="yes", operator=next(people))

    report = attend(lambda: recover(practice.name), each_in_turn)
    assert report.outcome is Outcome.RECOVERED
    assert asked == [None, "anna"]
    assert [approval.by for approval in report.approvals] == ["anna", "boris"]
