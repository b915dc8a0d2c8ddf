"""A drill where the runs are run: a practice cluster is started, broken, recovered with approvals, and taken away."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic.dataclasses import dataclass

from flows.attend import attend
from flows.program import run_as_program
from flows.recover import recover
from flows.recover_to_spare import recover_to_spare
from gpmedic.artifacts import Kind
from gpmedic.errors import GpmedicError
from gpmedic.form import form_field
from gpmedic.practice.dead_drills import forget_dead_drills, temporary_folder
from gpmedic.practice.drilling import Drilled, Say, drill_cluster, drilled
from gpmedic.practice.drills import DRILLS, PRACTICE_OPERATOR, Drill, DrillName
from gpmedic.practice.facts import Release
from gpmedic.report import OUTCOMES, Outcome, RecoveryReport, report_line
from gpmedic.settings import CONFIG_VARIABLE
from tasks.approve import Answer, Request
from tasks.publish import publish_markdown


class Approver(StrEnum):
    """Who answers the questions of a drill."""

    PRACTICE_OPERATOR = "the practice operator"
    A_PERSON = "a person"


Scenario = Annotated[DrillName, form_field("What is broken", "On a practice cluster that is started for it.")]
Generation = Annotated[Release, form_field("Which Greenplum", "What the practice cluster is like.")]
ApprovedBy = Annotated[
    Approver,
    form_field(
        "Who approves",
        "a person: open the run of the recovery under 'Subflow Runs', and answer it with Resume as in an incident."
        " the practice operator: every question is answered with yes.",
    ),
]


@dataclass(frozen=True)
class DrillReport:
    """How a drill has ended; what was done to the cluster stands in the report of its recovery."""

    cluster_name: str
    outcome: Outcome
    rows_written: int
    rows_found: int


class DrillFailed(GpmedicError):
    """The cluster is not proven healthy, or rows are lost."""


@flow(name="drill")
def drill(
    scenario: Scenario = DrillName.PRIMARY_DOWN,
    generation: Generation = Release.V6,
    approved_by: ApprovedBy = Approver.PRACTICE_OPERATOR,
) -> DrillReport:
    """Start a practice cluster, break it, recover it with approvals, count its rows; no real cluster is touched.

    Raises:
        DrillFailed: not every proof holds, or rows are lost.
        GpmedicError: the recovery was declined or has failed, or practice clusters cannot run here.
    """
    say: Say = get_run_logger().info
    broken = DRILLS[scenario]
    forget_dead_drills()
    say(f"Starting a practice cluster like Greenplum {generation.value} ...")
    with _clusters_of_its_own(), drill_cluster(broken, generation.value) as cluster:
        cluster.up()
        cluster.register()
        say(f"{len(cluster.facts().segments)} PostgreSQL servers run as {cluster.name}.")
        if approved_by is Approver.A_PERSON:
            say("Its questions wait on the page of the recovery: open it under 'Subflow Runs', then Resume.")
        page = page_of(broken, cluster.name)
        went = drilled(broken, cluster, say, lambda: _answered(page, approved_by))
        report = went.recovered
        _publish(scenario, went)
        if report.outcome is not Outcome.RECOVERED or not went.rows_equal:
            raise DrillFailed(
                f"The drill did not hold: {report_line(report)}. {went.rows}", "Read the report of its recovery."
            )
        return DrillReport(cluster.name, report.outcome, went.written, went.found)


@contextmanager
def _clusters_of_its_own() -> Iterator[None]:
    """Have this process know no cluster but the drill's: no real one is within its reach.

    Every deployed run is a process of its own, which may not even write where the real ones are described.
    """
    before = os.environ.get(CONFIG_VARIABLE)
    with tempfile.TemporaryDirectory(prefix=temporary_folder(os.getpid())) as folder:
        os.environ[CONFIG_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[CONFIG_VARIABLE]
            else:
                os.environ[CONFIG_VARIABLE] = before


def page_of(broken: Drill, cluster: str) -> Callable[[], RecoveryReport]:
    """The page of the runbook that recovers what this drill breaks; a run of its own, which pauses for answers."""
    spare = broken.spare
    if spare is None:
        return lambda: recover(cluster)
    return lambda: recover_to_spare(cluster, broken.lost_host, spare)


def approve_as_practice_operator(request: Request) -> Answer:
    """Yes, whatever is asked: only for practice clusters."""
    operator = PRACTICE_OPERATOR if request.approved_by is None else f"second {PRACTICE_OPERATOR}"
    return Answer(decision="yes", operator=operator, reason="drill", via="drill")


def _answered(page: Callable[[], RecoveryReport], approved_by: Approver) -> RecoveryReport:
    if approved_by is Approver.A_PERSON:
        return page()
    return attend(page, approve_as_practice_operator, approved_by.value)


def _publish(scenario: DrillName, went: Drilled[RecoveryReport]) -> None:
    rows = "equal" if went.rows_equal else "NOT EQUAL"
    line = f"Drill {scenario.value}: {OUTCOMES[went.recovered.outcome]}; rows {rows}"
    publish_markdown(Kind.DRILL, scenario.value, f"### {line}\n\n{went.rows}\n", line)


if __name__ == "__main__":
    run_as_program(drill, lambda report: f"{report.cluster_name}: {report.outcome.value}, {report.rows_found} rows.")
