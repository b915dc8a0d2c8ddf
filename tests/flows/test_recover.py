"""The main job on a practice cluster: real servers, real replication, real ssh, a real Prefect engine."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect import flow

from flows.attend import attend
from flows.health_check import health_check
from flows.journal import Journal
from flows.page import follow
from flows.recover import recover
from gpmedic.conditions import Condition
from gpmedic.errors import NotApproved, UnsafeState, UtilityFailed
from gpmedic.plan import Action
from gpmedic.practice import Facts, Fault, PracticeCluster
from gpmedic.report import Outcome, RecoveryReport
from gpmedic.settings import ClusterSettings
from tasks.approve import Answer, Outdated, Request
from tasks.detect import Seen
from tasks.notify import Phase, Progress, listening
from tasks.question import MAX_ASKS
from tests.artifacts import newest_page
from tests.people import Operator

every_generation = pytest.mark.parametrize("practice", ["6", "4.3", "7"], indirect=True)
generation_6 = pytest.mark.parametrize("practice", ["6"], indirect=True)


@pytest.fixture(scope="module")
def clusters_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("clusters")
    before = os.environ.get("GPMEDIC_CLUSTERS")
    os.environ["GPMEDIC_CLUSTERS"] = str(folder)
    yield folder
    if before is None:
        del os.environ["GPMEDIC_CLUSTERS"]
    else:
        os.environ["GPMEDIC_CLUSTERS"] = before


@pytest.fixture(scope="module")
def practice(request: pytest.FixtureRequest, clusters_folder: Path) -> Iterator[PracticeCluster]:
    name = f"flows-{request.param.replace('.', '')}-{os.getpid()}"
    with PracticeCluster(name, request.param) as cluster:
        cluster.register()
        yield cluster


def recovered(cluster: PracticeCluster, operator: Callable[[Request], Answer]) -> RecoveryReport:
    return attend(lambda: recover(cluster.name), operator)


def failed_over(content: int) -> Callable[[Facts], bool]:
    return lambda facts: any(
        s.content == content and s.role.value == "p" and s.preferred_role.value == "m" for s in facts.segments
    )


def mirror_down(content: int) -> Callable[[Facts], bool]:
    return lambda facts: any(s.content == content and s.status.value == "d" for s in facts.segments)


@generation_6
def test_a_healthy_cluster_is_left_alone_and_nothing_is_asked(practice: PracticeCluster) -> None:
    operator = Operator("INC-7")
    report = recovered(practice, operator)
    assert report.outcome is Outcome.HEALTHY
    assert operator.asked == []


@pytest.mark.chaos
@every_generation
def test_a_primary_that_failed_over_is_recovered_synchronized_rebalanced_and_proven(practice: PracticeCluster) -> None:
    practice.write_rows(120)
    before = practice.count_rows()
    practice.break_(Fault.SLOW_RESYNC, seconds=3)
    practice.break_(Fault.KILL_PRIMARY, content=2)
    practice.wait_until(failed_over(2))
    operator, told = Operator("INC-7"), list[Progress]()
    with listening(told.append):
        report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert operator.steps == ["recover", "rebalance"]
    assert report.after is not None
    assert all(pair.balanced and pair.synchronized for pair in report.after.pairs)
    assert all(proof.holds for proof in report.proofs)
    assert [a.by for a in report.approvals] == ["anna", "anna"]
    phases = list(dict.fromkeys(progress.phase for progress in told))
    assert phases.index(Phase.EVIDENCE) < phases.index(Phase.PRECHECK) < phases.index(Phase.RECOVER)
    assert practice.count_rows() == before
    assert [[step.action for step in one.plan.disruptive_steps] for one in report.rounds] == [
        [Action.RECOVER, Action.REBALANCE],
        [Action.REBALANCE],
    ]
    assert all(one.checks for one in report.rounds)
    assert [f.condition for f in report.found_later] == [Condition.ROLES_SWITCHED]
    who = {event.source for event in report.events}
    assert who == {"gpmedic", "FTS", "gprecoverseg", "anna"}
    assert [e.source for e in report.events if "anna approved" in e.what] == ["anna", "anna"]
    assert any(e.source == "FTS" and e.at < report.started for e in report.events), "what FTS did before gpmedic came"
    assert [p for p in told if re.search(r"catching up, \d+ %, .* to go, .*B/s", p.text)], "bytes, percent and a rate"
    assert "Waiting for a person's answer to recover" in " ".join(progress.text for progress in told)


@pytest.mark.chaos
@generation_6
def test_a_mirror_that_is_down_is_recovered_with_one_approval(practice: PracticeCluster) -> None:
    practice.break_(Fault.KILL_MIRROR, content=0)
    practice.wait_until(mirror_down(0))
    operator = Operator("INC-7")
    report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert operator.steps == ["recover"]


@pytest.mark.chaos
@every_generation
def test_a_host_that_has_booted_again_is_one_incident_with_one_plan(practice: PracticeCluster) -> None:
    practice.write_rows(60)
    rows = practice.count_rows()
    practice.break_(Fault.HOST_DOWN, host="sdw3")
    before = practice.wait_until(
        lambda facts: all(s.status.value == "d" for s in facts.data_segments if s.hostname == "sdw3")
    )
    lost = [s for s in before.data_segments if s.hostname == "sdw3"]
    assert {s.preferred_role.value for s in lost} == {"p", "m"}, "primaries and mirrors are lost with a host"
    practice.heal(Fault.HOST_DOWN, host="sdw3")
    operator = Operator("INC-7")
    report = recovered(practice, operator)
    assert report.outcome is Outcome.RECOVERED
    assert operator.steps == ["recover", "rebalance"]
    assert all(f"dbid {s.dbid} " in operator.asked[0].proposal.text for s in lost)
    assert practice.count_rows() == rows


@pytest.mark.chaos
@generation_6
def test_a_yes_to_another_state_is_void_and_a_no_leaves_the_cluster_as_it_is(practice: PracticeCluster) -> None:
    """The evidence of what goes down while the question stands is saved before the next question."""
    practice.break_(Fault.KILL_MIRROR, content=1)
    practice.wait_until(mirror_down(1))
    evidence, states = list[str](), list[Facts]()

    def slow_person(_request: Request) -> Answer:
        evidence.append(newest_page("evidence", practice.name))
        if len(evidence) == 1:
            practice.break_(Fault.KILL_MIRROR, content=5)
            states.append(practice.wait_until(mirror_down(5)))
            return Answer(decision="yes", operator="anna")
        return Answer(decision="no", operator="boris", reason="backup runs")

    with pytest.raises(NotApproved, match="boris said no"):
        recovered(practice, slow_person)
    page = newest_page("recovery", practice.name)
    assert "| voided | anna | Prefect's page | the cluster has changed meanwhile |" in page
    assert "| declined | boris | Prefect's page | backup runs |" in page
    after, (before,) = practice.facts(), states
    (other,) = [s for s in after.segments if s.content == 5 and s.status.value == "d"]
    assert [f"\n## dbid {other.dbid} on {other.hostname}\n" in page for page in evidence] == [False, True]
    assert all(page.startswith(f"# Evidence of {practice.name} before the step recover\n") for page in evidence)
    assert [(s.dbid, s.role, s.mode, s.status) for s in after.segments] == [
        (s.dbid, s.role, s.mode, s.status) for s in before.segments
    ]
    assert recovered(practice, Operator("INC-7")).outcome is Outcome.RECOVERED


@generation_6
def test_after_a_command_that_has_failed_the_evidence_is_saved_again(practice: PracticeCluster) -> None:
    """The log of the copy that failed is kept, whatever is tried next."""

    def page(settings: ClusterSettings, _journal: Journal, _seen: Seen) -> Outcome:
        raise UtilityFailed(("gprecoverseg", "-a", "-F"), 1, f"a copy on {settings.name} failed", "Decide.")

    @flow
    def failing() -> RecoveryReport:
        return follow(page, practice.name)

    with pytest.raises(UtilityFailed):
        failing()
    assert newest_page("evidence", practice.name).startswith(
        f"# Evidence of {practice.name} after a command that has failed\n"
    )


@generation_6
def test_a_cluster_that_never_holds_still_after_an_answer_is_left_alone(practice: PracticeCluster) -> None:
    pages: list[Seen] = []

    def page(_settings: ClusterSettings, _journal: Journal, seen: Seen) -> Outcome:
        pages.append(seen)
        raise Outdated("The answer to recover is void.", "Run the flow again.")

    @flow
    def restless() -> RecoveryReport:
        return follow(page, practice.name)

    with pytest.raises(
        UnsafeState, match=f"The cluster changed {MAX_ASKS} times between an answer and what it allowed"
    ):
        restless()
    assert len(set(map(id, pages))) == MAX_ASKS, "each begins with a look of its own"


@pytest.mark.chaos
@generation_6
def test_health_check_names_the_condition_and_changes_nothing(practice: PracticeCluster) -> None:
    assert health_check(practice.name).healthy
    practice.break_(Fault.KILL_MIRROR, content=3)
    practice.wait_until(mirror_down(3))
    report = health_check(practice.name)
    assert not report.healthy
    assert report.diagnosis.having(Condition.MIRROR_DOWN) is not None
    assert recovered(practice, Operator("INC-7")).outcome is Outcome.RECOVERED
