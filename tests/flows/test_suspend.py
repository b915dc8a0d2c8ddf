"""Approvals of a deployed flow: no process waits, and the resumed run begins again from the top.

The test takes the part of the worker: it runs the engine once for each time that the server schedules the run.
"""

import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.flow_runs import resume_flow_run
from prefect.states import Crashed, Scheduled

from flows.attend import give_and_see
from gpmedic.errors import LockHeld
from gpmedic.events import Approval as Given
from tasks.answer_form import code_of
from tasks.approve import Answer, Needed, Proposal, approve, given_answer
from tasks.claim import claim
from tasks.notify import Progress, listening
from tests.people import give
from tests.worker import worked


@flow(name="deployed")
def deployed(folder: str, cluster: str, needed: Needed = Needed.ONE_PERSON) -> str:
    """Asks for what the file `plan` says, and notes in the file `trace` what it did."""
    _note(folder, "begins")
    claim(cluster)
    with listening(partial(_note_told, folder)):
        approval = approve(
            lambda: _proposal(folder, cluster), timedelta(minutes=5), needed, partial(_note_answer, folder)
        )
    assert approval is not None
    _note(folder, f"{approval.by} approved {approval.fingerprint}")
    (Path(folder) / "decided").write_text(str(approval.decided_at))
    return "done"


@flow
def other(cluster: str) -> None:
    claim(cluster)


def _note(folder: str, line: str) -> None:
    with (Path(folder) / "trace").open("a") as trace:
        print(line, file=trace)


def _note_told(folder: str, told: Progress) -> None:
    with (Path(folder) / "told").open("a") as file:
        print(told.text, file=file)


def _note_answer(folder: str, answer: Given) -> None:
    with (Path(folder) / "answers").open("a") as answers:
        print(answer.decision, answer.by, answer.fingerprint, file=answers)


def _proposal(folder: str, cluster: str) -> Proposal:
    fingerprint = (Path(folder) / "plan").read_text()
    text = f"do {fingerprint}"
    return Proposal(cluster=cluster, step="recover", fingerprint=fingerprint, argv=("true",), dbids=(3,), text=text)


@pytest.fixture(scope="module")
def deployment(prefect_server: str) -> str:
    deployed.to_deployment(name="test").apply()  # type: ignore[union-attr]
    return "deployed/test"


def scheduled(deployment: str, folder: Path, cluster: str, needed: Needed = Needed.ONE_PERSON) -> FlowRun:
    parameters = {"folder": str(folder), "cluster": cluster, "needed": needed.value}
    return run_deployment(deployment, parameters=parameters, timeout=0, as_subflow=False)


def asked(run: FlowRun) -> str | None:
    assert run.state is not None
    return run.state.state_details.pause_key if run.state.name == "Suspended" else None


def test_a_suspended_run_owns_its_cluster_and_its_answer_is_void_when_the_plan_has_changed_meanwhile(
    deployment: str, tmp_path: Path
) -> None:
    (tmp_path / "plan").write_text("aaa")
    run = worked(deployed, scheduled(deployment, tmp_path, "gp-s"))
    assert asked(run) == "recover-aaa"
    assert (tmp_path / "told").read_text().endswith(" UTC). In a terminal: gpmedic approve gp-s.\n")
    with pytest.raises(LockHeld):
        other("gp-s")

    (tmp_path / "plan").write_text("bbb")
    give(run.id, Answer(decision="yes", operator="anna"))
    run = worked(deployed, run)
    assert asked(run) == "recover-bbb"

    give(run.id, Answer(decision="yes", operator="boris"))
    run = worked(deployed, run)
    assert run.state is not None
    assert run.state.type is StateType.COMPLETED
    assert (tmp_path / "trace").read_text().splitlines() == ["begins", "begins", "begins", "boris approved bbb"]


def test_a_yes_that_was_void_never_counts_again_when_the_cluster_is_as_it_was(deployment: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan"
    plan.write_text("a1a")
    run = worked(deployed, scheduled(deployment, tmp_path, "gp-back"))
    plan.write_text("b2b")
    give(run.id, Answer(decision="yes", operator="anna"))
    run = worked(deployed, run)
    assert asked(run) == "recover-b2b"
    plan.write_text("a1a")
    give(run.id, Answer(decision="yes", operator="boris"))
    run = worked(deployed, run)
    assert asked(run) == "recover-a1a-2", "it is asked again"
    assert "approved" not in (tmp_path / "trace").read_text()
    assert (tmp_path / "answers").read_text().splitlines() == ["voided anna a1a", "voided boris b2b"]
    give(run.id, Answer(decision="yes", operator="carla"))
    worked(deployed, run)
    assert (tmp_path / "trace").read_text().splitlines()[-1] == "carla approved a1a"


@pytest.mark.parametrize("said", ["yes", f"yes {code_of('recover-eee')}"])
def test_a_form_that_was_opened_for_an_earlier_question_says_no_yes_to_the_next(
    deployment: str, tmp_path: Path, said: str
) -> None:
    (tmp_path / "plan").write_text("eee")
    run = worked(deployed, scheduled(deployment, tmp_path, f"gp-{len(said)}"))
    (tmp_path / "plan").write_text("fff")
    give(run.id, Answer(decision="yes", operator="boris"))
    run = worked(deployed, run)
    assert asked(run) == "recover-fff"
    with pytest.raises(RuntimeError, match="does not match"):
        resume_flow_run(run.id, run_input={"decision": said, "operator": "anna"})
    right = f"Yes  {code_of('recover-fff')} "
    resume_flow_run(run.id, run_input={"decision": right, "operator": "anna"})
    run = worked(deployed, run)
    assert (tmp_path / "trace").read_text().splitlines()[-1] == "anna approved fff"


def test_who_answers_a_suspended_run_is_told_that_the_answer_counts_and_its_time_is_kept(
    deployment: str, tmp_path: Path
) -> None:
    (tmp_path / "plan").write_text("abc")
    run = worked(deployed, scheduled(deployment, tmp_path, "gp-w"))
    answer = Answer(decision="yes", operator="anna", question=asked(run) or "")
    assert give_and_see(run.id, answer) == answer
    counted = given_answer(run.id, answer.question)
    assert counted is not None
    time.sleep(1.1)
    worked(deployed, run)
    assert (tmp_path / "decided").read_text() == str(counted[1])


def test_a_run_that_is_begun_again_after_its_answer_has_come_goes_by_that_answer(
    deployment: str, tmp_path: Path
) -> None:
    (tmp_path / "plan").write_text("bcd")
    run = worked(deployed, scheduled(deployment, tmp_path, "gp-x"))
    give(run.id, Answer(decision="yes", operator="anna"))
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(), force=True)  # before its process had begun
        client.set_flow_run_state(run.id, Scheduled(), force=True)  # as a person has it tried again on Prefect's page
    run = worked(deployed, run)
    assert run.state_name == "Completed", run.state
    assert (tmp_path / "trace").read_text().splitlines()[-1] == "anna approved bcd"


def test_a_no_to_a_suspended_run_fails_it(deployment: str, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("ccc")
    run = worked(deployed, scheduled(deployment, tmp_path, "gp-t"))
    give(run.id, Answer(decision="no", operator="anna", reason="backup runs"))
    run = worked(deployed, run)
    assert run.state is not None
    assert run.state.type is StateType.FAILED
    assert "anna said no to recover (backup runs)" in (run.state.message or "")


def test_a_suspended_run_that_two_must_approve_is_suspended_again_for_the_second(
    deployment: str, tmp_path: Path
) -> None:
    (tmp_path / "plan").write_text("ddd")
    run = worked(deployed, scheduled(deployment, tmp_path, "gp-u", Needed.TWO_PEOPLE))
    assert asked(run) == "recover-ddd"
    give(run.id, Answer(decision="yes", operator="anna"))
    run = worked(deployed, run)
    assert asked(run) == "recover-ddd-second"
    give(run.id, Answer(decision="yes", operator="boris"))
    assert worked(deployed, run).state_name == "Completed"
    assert (tmp_path / "trace").read_text().splitlines()[-1] == "anna and boris approved ddd"
