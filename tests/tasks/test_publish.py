"""What is published is for people: a Prefect server that is away ends no recovery. What must be kept is kept first."""

import pytest
from domain.clusters import healthy
from prefect.settings import PREFECT_API_URL, temporary_settings

from gpmedic.artifacts import Kind
from gpmedic.errors import Refused
from tasks.notify import Level, Progress, listening
from tasks.publish import keep_markdown, publish_markdown, publish_segments


def test_a_server_that_is_away_is_told_of_and_the_run_goes_on() -> None:
    told: list[Progress] = []
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), listening(told.append):
        publish_markdown(Kind.RECOVERY, "lab", "# the report", "Recovery of lab")
        publish_segments(healthy())
    assert [one.level for one in told] == [Level.WARNING, Level.WARNING]
    assert told[0].text == (
        "Recovery of lab: the Prefect server did not take it (ConnectError); the run goes on without it."
    )


def test_nothing_is_done_without_a_page_that_must_be_kept() -> None:
    said = r"'lab before the step recover' \(ConnectError\), and the next step is not run"
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(Refused, match=said):
        keep_markdown(Kind.EVIDENCE, "lab", "# what was found", "lab before the step recover")
