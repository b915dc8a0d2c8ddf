"""`gpmedic history` and `gpmedic report`: from what the runs have kept, whatever has become of them."""

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import Result
from domain.clusters import healthy, mirror_down, probes
from domain.incidents import at, caught_up
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Crashed, Failed, State, Suspended
from typer.testing import CliRunner

import gpmedic.cli.recover
from flows.journal import KEY, Journal
from gpmedic.cli import app
from gpmedic.diagnosis import diagnose
from gpmedic.errors import AccessRefused, Braked, GpmedicError, UnsafeState
from gpmedic.events import Approval, Decision
from gpmedic.outcome import Outcome
from gpmedic.phases import Phase
from tasks.claim import CLAIM_TAG, OWNER_TAG
from tasks.notify import Progress
from tasks.silence import NEVER_RESUMED
from tests.cli.documented import assert_documented


@flow(name="recover")
def recover() -> None:
    """Stands for the pages of the runbook, whose runs are made here without their bodies."""


@dataclass(frozen=True)
class Record:
    """The runs of one cluster, by what has become of them."""

    cluster: str
    runs: dict[str, UUID]


def journal(cluster: str) -> Journal:
    noted = Journal(cluster_name=cluster, started=at(0))
    noted.see(diagnose(mirror_down(healthy(), 0), probes(healthy())))
    noted.hear(Progress(Phase.OBSERVE, "a mirror is down"))
    return noted


def keep(cluster: str, state: State[object], noted: str | None) -> UUID:
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(recover, tags=[f"{CLAIM_TAG}{cluster}", OWNER_TAG])
        client.set_flow_run_state(run.id, state, force=True)
        if noted is not None:
            client.create_flow_run_input(run.id, f"{KEY}-1", noted)
    return run.id


@pytest.fixture(scope="module")
def record(prefect_server: str) -> Iterator[Record]:
    cluster = f"story-{uuid4().hex[:8]}"
    braked, done = journal(cluster), journal(cluster)
    braked.end(Outcome.REFUSED, Braked("The brake of lab is on; nothing was started.", "gpmedic brake off lab."))
    done.answered(Approval("recover", "00ff", Decision.APPROVED, "anna", at(9), "", "Slack", at(1)))
    done.samples = caught_up((10, 9, 900))
    done.after = healthy()
    done.end(Outcome.RECOVERED)
    begun = journal(cluster).model_dump_json()
    yield Record(
        cluster,
        {
            "nothing": keep(cluster, Crashed(), None),
            "of another version": keep(cluster, Crashed(), '{"moon": "full"}'),
            "refused": keep(cluster, Failed(), braked.model_dump_json()),
            "died": keep(cluster, Crashed(message="Its process is gone."), begun),
            "unanswered": keep(cluster, Failed(message=f"Flow run was paused and {NEVER_RESUMED}."), begun),
            "waiting": keep(cluster, Suspended(timeout_seconds=600, pause_key="recover-00ff"), begun),
            "recovered": keep(cluster, Failed(), done.model_dump_json()),
        },
    )


def gpmedic_(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def told(record: Record, run: str, *arguments: str) -> str:
    shown = gpmedic_("report", str(record.runs[run]), *arguments)
    assert shown.exit_code == 0, shown.exception
    return " ".join(shown.output.split())


def test_the_history_lists_every_recovery_and_what_became_of_it(record: Record) -> None:
    documented = assert_documented("history", gpmedic_("history", record.cluster, "--json").output)
    listed = {UUID(i["id"]): i for i in documented}
    outcomes = {run: listed[id_]["outcome"] for run, id_ in record.runs.items()}
    assert outcomes == {
        "nothing": "died",
        "of another version": "died",
        "refused": "refused",
        "died": "died",
        "unanswered": "refused",
        "waiting": "waiting",
        "recovered": "recovered",
    }
    done = listed[record.runs["recovered"]]
    assert (done["condition"], done["approved_by"], done["cluster"]) == ("Mirror down", ["anna"], record.cluster)
    reasons = {run: listed[record.runs[run]]["reason"] for run in ("refused", "unanswered", "died")}
    assert reasons == {"refused": "brake", "unanswered": "not_approved", "died": None}
    nothing = listed[record.runs["nothing"]]
    assert (nothing["condition"], nothing["reason"], nothing["approved_by"]) == (None, None, [])
    shown = gpmedic_("history", record.cluster).output
    assert all(words in shown for words in ("Mirror down", "anna", "recovered", "waiting"))
    assert all(words in shown for words in ("refused (brake)", "refused (not approved)"))
    assert len(gpmedic_("history", record.cluster, "--limit", "2").output.splitlines()) == 4


def test_a_cluster_without_recoveries_has_an_empty_history(record: Record) -> None:
    assert "No recovery of nowhere is on record." in gpmedic_("history", "nowhere").output
    assert json.loads(gpmedic_("history", "nowhere", "--json").output) == []


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("recovered", ("recovered and proven healthy", "anna", "900 B")),
        ("refused", ("refused, the cluster is untouched", "The brake of lab is on", "gpmedic brake off lab.")),
        ("died", ("ended without a last word", "Prefect calls it Crashed", "adopts what still runs")),
        ("waiting", ("waits for an answer", "a mirror is down")),
        ("unanswered", ("Nobody answered in time", "when somebody is there to approve it")),
    ],
)
def test_a_report_is_told_of_every_run_that_has_noted_something(
    record: Record, run: str, words: tuple[str, ...]
) -> None:
    text = told(record, run)
    assert all(w in text for w in (*words, "Mirror down"))


@pytest.mark.parametrize("run", ["nothing", "of another version"])
def test_of_a_run_that_has_noted_nothing_that_is_said(record: Record, run: str) -> None:
    error = gpmedic_("report", str(record.runs[run])).exception
    assert isinstance(error, UnsafeState)
    assert "has noted nothing that this version" in error.message


def test_a_run_is_found_by_its_name_too_and_the_newest_as_last(record: Record) -> None:
    listed = json.loads(gpmedic_("history", record.cluster, "--json").output)
    named = next(i for i in listed if i["outcome"] == "recovered")
    by_name = assert_documented("report", gpmedic_("report", named["run"], "--format", "json").output)
    assert (by_name["outcome"], by_name["cluster"]) == ("recovered", record.cluster)
    last = json.loads(gpmedic_("report", "--cluster", record.cluster, "--format", "json").output)
    assert last["run"] == listed[0]["run"]


@pytest.mark.parametrize("asked", [("no-such-run",), (str(uuid4()),), ("last", "--cluster", "nowhere")])
def test_what_prefect_does_not_know_is_said_with_what_to_do(record: Record, asked: tuple[str, ...]) -> None:
    error = gpmedic_("report", *asked).exception
    assert isinstance(error, UnsafeState)
    assert error.next_action == "gpmedic history lists those that it knows."


def test_a_report_is_written_in_the_format_of_the_files_name_and_read_by_nobody_else(
    record: Record, tmp_path: Path
) -> None:
    for name, begin in (("a.html", "<!doctype html>"), ("a.md", "### "), ("a.txt", record.cluster), ("a.json", "{")):
        assert "Written to" in told(record, "recovered", "--output", str(tmp_path / name))
        assert (tmp_path / name).read_text().startswith(begin)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert told(record, "recovered", "--format", "html").startswith("<!doctype html>")


@pytest.mark.parametrize("output", ["report.docx", "/no/such/folder/report.html"])
def test_a_file_that_cannot_be_is_refused_in_words(record: Record, output: str) -> None:
    error = gpmedic_("report", str(record.runs["recovered"]), "--output", output).exception
    assert isinstance(error, AccessRefused)


def test_without_a_prefect_server_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpmedic.cli.recover, "PREFECT_FOLDER", tmp_path)
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        for command in ("history", "report"):
            error = gpmedic_(command).exception
            assert isinstance(error, UnsafeState)
            assert "No Prefect server is configured" in error.message
            assert "PREFECT_API_URL" in error.next_action
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        error = gpmedic_("history").exception
        assert isinstance(error, GpmedicError)
        assert "does not answer" in error.message
