"""What the chaos would find: each promise, broken once."""

import os

import pytest

from gpmedic.practice.invocations import Invocation
from tests.chaos.promises import Job, Yes, every_command_was_approved, every_job_was_approved, one_at_a_time

KEY, LATER = "recover-gp6-abc123-20261125-101500000000", "rebalance-gp6-def456-20261125-101600000000"
JOB, LATER_JOB = Job(KEY, begun=100, ended=110), Job(LATER, begun=120, ended=130)
YES = Yes("recover", "abc123", "gprecoverseg -a", expires_at=3700)
LATER_YES = Yes("rebalance", "def456", "gprecoverseg -a -r", expires_at=3700)
CALL = Invocation("gprecoverseg -a", KEY, 1, begun=0, at=100, ended=1)
LATER_CALL = Invocation("gprecoverseg -a -r", LATER, 1, begun=2, at=120, ended=3)


def test_what_was_approved_and_came_one_after_the_other_is_as_it_should_be() -> None:
    every_job_was_approved([JOB, LATER_JOB], [LATER_YES, YES])
    every_command_was_approved([CALL, LATER_CALL], [JOB, LATER_JOB], [YES, LATER_YES])
    one_at_a_time([CALL, LATER_CALL], [JOB, LATER_JOB])


@pytest.mark.parametrize("said", [[], [LATER_YES], [Yes("rebalance", "abc123", "", 3700)]])
def test_a_job_that_nobody_approved_is_found(said: list[Yes]) -> None:
    with pytest.raises(AssertionError, match="approved by nobody"):
        every_job_was_approved([JOB], said)


def test_a_second_job_of_one_yes_is_found() -> None:
    with pytest.raises(AssertionError, match="oftener"):
        every_job_was_approved([JOB, Job(f"{KEY[:-1]}1", 200, 210)], [YES])


def test_a_job_of_an_approval_that_had_expired_is_found() -> None:
    with pytest.raises(AssertionError, match="expired"):
        every_job_was_approved([JOB], [Yes("recover", "abc123", "gprecoverseg -a", expires_at=60)])


@pytest.mark.parametrize("job", [None, "something-else"])
def test_a_disruptive_command_outside_of_the_jobs_is_found(job: str | None) -> None:
    with pytest.raises(AssertionError, match="outside of a job"):
        every_command_was_approved([Invocation("gpstop -a -M fast", job, 1, 0, 100)], [JOB], [YES])


@pytest.mark.parametrize("command", ["gpstate -e", "gprecoverseg --help", "gprecoverseg -p sdw4 -o /tmp/mapping"])
def test_what_only_tells_needs_no_approval(command: str) -> None:
    every_command_was_approved([Invocation(command, None, 1, 0, 100)], [], [])


def test_a_command_that_the_approval_did_not_show_is_found() -> None:
    with pytest.raises(AssertionError, match="stands in no approval"):
        every_command_was_approved([Invocation("gprecoverseg -a -F", KEY, 1, 0, 100)], [JOB], [YES])


def test_a_command_that_was_started_twice_in_its_job_is_found() -> None:
    with pytest.raises(AssertionError, match="started 2 times"):
        every_command_was_approved([CALL, CALL], [JOB], [YES])


@pytest.mark.parametrize(("begun", "ended"), [(0, 3), (1, None)])
def test_commands_and_jobs_at_the_same_time_are_found(begun: int, ended: int | None) -> None:
    running = Invocation("gprecoverseg -a", KEY, os.getpid(), begun, 100, ended)
    with pytest.raises(AssertionError, match="began"):
        one_at_a_time([running, LATER_CALL], [])
    with pytest.raises(AssertionError, match="began before"):
        one_at_a_time([], [JOB, Job(LATER, begun=109, ended=130)])
