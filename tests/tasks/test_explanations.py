"""Which failures are tried again, and what is said of a utility that has ended."""

import pytest
from prefect import task
from prefect.client.schemas.objects import State
from prefect.states import Completed

from gpmedic.artifacts import Kind, artifact_key
from gpmedic.errors import HostUnreachable, NotApproved, UnsafeState, UtilityBusy, UtilityFailed
from tasks.collect_evidence import _fenced
from tasks.recover import advice, explain
from tasks.run_utility import Ended
from tasks.transient import only_transient


@task
def nothing() -> None:
    """A task for the retry condition to be asked about."""


class _Ended(State[object]):
    """A state whose result is an error."""

    def result(self, *_args: object, **_options: object) -> object:
        raise self.data  # type: ignore[misc]


def asked(error: Exception) -> bool:
    state = Completed(data=error)
    return only_transient(nothing, None, _Ended(type=state.type, data=error))  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [HostUnreachable("gone", "look"), UtilityBusy("busy", "wait")])
def test_what_may_pass_by_itself_is_tried_again(error: Exception) -> None:
    assert asked(error)


@pytest.mark.parametrize(
    "error",
    [
        NotApproved("no", "ask"),
        UnsafeState("strange", "look"),
        UtilityFailed(("gprecoverseg", "-a"), 2, "bad", "decide"),
        ValueError("bug"),
    ],
)
def test_a_refusal_a_failed_utility_and_a_bug_are_not_tried_again(error: Exception) -> None:
    assert not asked(error)


def ended(output: str) -> Ended:
    return Ended(("gprecoverseg", "-a"), "key", (4,), 0, output)


def test_output_that_nobody_knows_is_said_to_be_unknown_and_the_advice_stays_general() -> None:
    strange = ended("20261123:20:00:00:000001 gprecoverseg:mdw:gpadmin-[INFO]:-Frobnicating\n")
    assert "does not know" in explain(strange)
    assert "gpstate -e" in advice(strange)


def test_what_a_cluster_printed_cannot_break_out_of_its_fence() -> None:
    page = _fenced("log", "```\n# not a heading")
    assert page.splitlines()[2] == "````"
    assert page.splitlines()[-1] == "````"


def test_an_artifact_key_has_only_the_characters_that_prefect_takes() -> None:
    assert artifact_key(Kind.SYNC, "Prod_7") == "sync-prod-7"
