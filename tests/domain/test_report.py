import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.clusters import (
    CONTENTS,
    VERSIONS,
    failed_over,
    healthy,
    mirror_dbid,
    mirror_down,
    primary_dbid,
    probes,
    switched,
)
from gpmedic.amounts import duration, size
from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Version
from gpmedic.diagnosis import Diagnosis, coordinator_unreachable, diagnose
from gpmedic.errors import HostUnreachable
from gpmedic.events import history_event
from gpmedic.plan import Plan, make_plan
from gpmedic.report import (
    Approval,
    Decision,
    Event,
    Outcome,
    RecoveryReport,
    Round,
    diagnosis_json,
    diagnosis_markdown,
    diagnosis_text,
    plan_json,
    plan_markdown,
    plan_text,
    report_markdown,
    report_text,
    segments_markdown,
    segments_text,
)
from gpmedic.settings import PolicySettings
from gpmedic.table import Table, markdown, plain
from gpmedic.verify import Proof, ProofName

START = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
BEFORE = failed_over(healthy(), 2)
SWITCHED = switched(healthy(), 2)
CHECKS = (
    Check(CheckName.DISK_SPACE, "dbid 4 on sdw2", Verdict.PASS, "60 % free"),
    Check(CheckName.CLOCK, "sdw2", Verdict.WARN, "its clock is +9 s off", "Set the clocks."),
)


def diagnosis_of(cluster: Cluster) -> Diagnosis:
    return diagnose(cluster, probes(cluster))


def plan_of(cluster: Cluster) -> Plan:
    return make_plan(diagnosis_of(cluster), Capabilities(cluster.version), PolicySettings())


def report(**fields: object) -> RecoveryReport:
    whole = RecoveryReport(
        cluster_name="lab",
        outcome=Outcome.RECOVERED,
        started=START,
        ended=START + timedelta(seconds=83),
        before=diagnosis_of(BEFORE),
        after=healthy(),
        found_later=diagnosis_of(SWITCHED).findings,
        rounds=(Round(plan_of(BEFORE), CHECKS), Round(plan_of(SWITCHED), CHECKS[:1])),
        approvals=(Approval("recover", "00ff", Decision.APPROVED, "alice", START + timedelta(seconds=9), "INC-7"),),
        events=(
            Event(START + timedelta(seconds=80), "proven healthy"),
            Event(START + timedelta(seconds=15), "gprecoverseg -a ended", "gprecoverseg"),
            Event(START - timedelta(seconds=30), "mirror of content 2 promoted", "FTS"),
        ),
        proofs=(Proof(ProofName.NO_ROW_DOWN, True, "14 rows"), Proof(ProofName.GPSTATE, False, "not read")),
    )
    return replace(whole, **fields)  # type: ignore[arg-type]


def test_a_report_tells_the_whole_incident() -> None:
    text = report_text(report())
    assert "lab: recovered and proven healthy" in text
    assert "2026-11-23, 09:00:00 to 09:01:23 UTC, 1 min 23 s; scenario: recover_segments." in text
    for heading in (
        "What was found",
        "Plan ",
        "Prechecks",
        "Approvals",
        "Time line",
        "Segments, before -> after",
        "Proof",
    ):
        assert re.search(rf"^{heading}", text, re.MULTILINE), heading
    assert "1 of 2 passed." in text
    assert "1 of 1 passed." in text
    assert "Set the clocks." in text
    assert "60 % free" not in text
    assert "alice" in text
    assert "INC-7" in text


def test_every_plan_is_shown_in_order_with_its_own_prechecks_and_all_that_was_found() -> None:
    text = report_text(report())
    plans = [plan_of(BEFORE).fingerprint, plan_of(SWITCHED).fingerprint]
    wanted = [f"Plan 1 of 2, {plans[0]}", "1 of 2 passed.", f"Plan 2 of 2, {plans[1]}", "1 of 1 passed."]
    places = [text.index(words) for words in wanted]
    assert places == sorted(places)
    found = text.split("What was found")[1].split("Plan 1")[0]
    assert found.index("Primary failed over") < found.index("Roles switched")
    alone = report_text(report(rounds=(Round(plan_of(BEFORE), CHECKS),)))
    assert f"\nPlan {plans[0]}\n" in alone


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_no_table_of_a_report_is_wider_than_its_lines(version: Version) -> None:
    broken = failed_over(healthy(version), *CONTENTS[:3])
    long = replace(broken, segments=tuple(replace(s, hostname=f"{s.hostname}.example.org") for s in broken.segments))
    plan = make_plan(diagnosis_of(long), Capabilities(version), PolicySettings(max_down_percent=100))
    said = "Started gprecoverseg -a on mdw.example.org, detached as job recover-sales-0123456789abcdef-20261123-1. " * 3
    text = report_text(
        report(
            before=diagnosis_of(long),
            after=replace(long, segments=healthy(version).segments),
            rounds=(Round(plan, tuple(replace(c, detail=said, next_action=said) for c in CHECKS)),),
            events=(Event(START, said, "practice operator and anna"),),
        )
    )
    assert max(map(len, text.splitlines())) <= 100


def test_a_cell_that_is_too_long_goes_on_below_its_column() -> None:
    table = Table(("a", "b"), (("1", "one two three four five six"), ("2", "x")))
    assert table.text(16).splitlines() == [
        "a  b",
        "-  -------------",
        "1  one two three",
        "   four five six",
        "2  x",
    ]


@pytest.mark.parametrize(
    ("description", "who", "what"),
    [
        (
            "FTS: content 0 fault marking status DOWN role m",
            "FTS",
            "dbid 8: content 0 fault marking status DOWN role m",
        ),
        ("gprecoverseg: segment config for resync", "gprecoverseg", "dbid 8: segment config for resync"),
        ("somebody changed it by hand", "unknown", "dbid 8: somebody changed it by hand"),
    ],
)
def test_a_line_of_the_history_is_told_by_whoever_wrote_it(description: str, who: str, what: str) -> None:
    assert history_event(START, 8, description) == Event(START, what, who, of_catalog=True)


def test_a_proof_holds_or_not_or_does_not_apply() -> None:
    proofs = (
        Proof(ProofName.NO_ROW_DOWN, True, "14 rows"),
        Proof(ProofName.GPSTATE, False, "not read"),
        Proof(ProofName.REPLICATION, True, "by files", applies=False),
    )
    shown = report_text(report(proofs=proofs)).split("\nProof\n")[1]
    assert re.search(r"no row down +yes +14 rows", shown)
    assert re.search(r"all normal +NO +not read", shown)
    assert re.search(r"for each pair +not applicable +by files", shown)


def test_the_time_line_is_in_order_with_durations_and_shows_what_came_before() -> None:
    lines = report_text(report()).split("Time line")[1].split("Segments,")[0].splitlines()
    rows = [line.split() for line in lines if re.match(r"\d\d:", line)]
    assert [r[0] for r in rows] == ["08:59:30", "09:00:15", "09:01:20"]
    table = report_text(report())
    assert "-30 s" in table
    assert re.search(r"09:00:15 +15 s +45 s +gprecoverseg +gprecoverseg -a ended", table)
    assert re.search(r"09:01:20 +1 min 20 s +1 min 5 s +gpmedic +proven healthy", table)


def test_times_are_shown_in_utc_wherever_they_were_taken() -> None:
    east = START.astimezone(timezone(timedelta(hours=9)))
    assert "09:00:00 to" in report_text(report(started=east))


def test_the_table_of_segments_shows_what_changed() -> None:
    text = segments_text(healthy(), BEFORE)
    former = next(line for line in text.splitlines() if re.match(rf"2 +{primary_dbid(2)} ", line))
    assert re.split(r"  +", former)[4:] == ["mirror -> primary", "primary", "DOWN -> up", "not in sync -> synchronized"]
    untouched = next(line for line in text.splitlines() if re.match(rf"0 +{mirror_dbid(0)} ", line))
    assert "->" not in untouched


def test_the_table_of_segments_shows_those_that_came_and_went() -> None:
    cluster = healthy()
    moved = replace(cluster, segments=(*cluster.segments[:-1], replace(cluster.segments[-1], dbid=15, hostname="sdw4")))
    text = segments_text(moved, cluster)
    assert re.search(r"5 +13 .*up -> gone", text)
    assert re.search(r"5 +15 +sdw4.*new -> up", text)


def test_coordinator_and_standby_have_no_mode_because_theirs_means_nothing() -> None:
    rows = [line for line in segments_text(healthy()).splitlines() if line.startswith("-1")]
    assert len(rows) == 2
    assert all(row.endswith("-") for row in rows)
    assert "coordinator" in rows[0]
    assert "standby" in rows[1]


def test_a_refusal_says_why_what_next_and_that_nothing_changed() -> None:
    refused = report(
        outcome=Outcome.REFUSED, rounds=(), after=None, error="Double fault.", next_action="Save evidence."
    )
    for text in (report_text(refused), report_markdown(refused).replace("**", "")):
        assert "refused, the cluster is untouched" in text
        assert "Ended early: Double fault." in text
        assert "Next: Save evidence." in text
        assert "Segments, as last seen" in text


def test_a_lost_coordinator_is_reported_without_a_table_of_segments() -> None:
    lost = coordinator_unreachable("lab", HostUnreachable("mdw does not answer.", "Check mdw."))
    for text in (diagnosis_text(lost), report_text(report(before=lost, found_later=(), rounds=(), after=None))):
        assert "Coordinator unreachable" in text
        assert "preferred" not in text
        assert ".." not in text


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_words(outcome: Outcome) -> None:
    assert "lab: " in report_text(report(outcome=outcome))


def test_a_diagnosis_says_what_it_means_and_what_to_do() -> None:
    for text in (diagnosis_text(diagnosis_of(BEFORE)), diagnosis_markdown(diagnosis_of(BEFORE))):
        assert "action needed" in text
        assert "Primary failed over" in text
        assert "recover it incrementally" in " ".join(text.split())
    assert "lab (Greenplum 6.24.3): healthy" in diagnosis_text(diagnosis_of(healthy()))


def test_a_plan_shows_commands_dbids_and_what_each_step_does_to_people() -> None:
    plan = plan_of(BEFORE)
    text = plan_text(plan)
    assert plan.fingerprint in text
    assert "gprecoverseg -a" in text
    assert "every query that runs then is cancelled" in " ".join(text.split())
    assert plan.fingerprint in plan_markdown(plan)


def test_a_plan_without_steps_says_so() -> None:
    assert "Nothing is to be done." in plan_text(plan_of(healthy()))


def test_text_keeps_to_its_width_outside_tables() -> None:
    for line in plan_text(plan_of(mirror_down(switched(healthy(), 5), 0))).splitlines():
        assert len(line) <= 100


def test_markdown_tables_have_as_many_cells_in_every_row() -> None:
    text = segments_markdown(healthy(), BEFORE)
    assert {line.count("|") for line in text.splitlines()} == {9}
    assert "-&gt;" in text


def test_programs_get_the_diagnosis_with_the_catalogs_own_letters() -> None:
    document = json.loads(json.dumps(diagnosis_json(diagnosis_of(BEFORE))))
    assert (document["healthy"], document["scenario"]) == (False, "recover_segments")
    assert document["findings"][0]["condition"] == "failed_over"
    assert document["findings"][0]["dbids"] == [primary_dbid(2)]
    former = next(s for s in document["segments"] if s["dbid"] == primary_dbid(2))
    assert (former["role"], former["preferred_role"], former["mode"], former["status"]) == ("m", "p", "n", "d")
    assert {p["state"] for p in document["probes"]} == {"answers"}


def test_programs_get_a_lost_coordinator_as_nulls() -> None:
    lost = coordinator_unreachable("lab", HostUnreachable("mdw does not answer.", "Check mdw."))
    document = json.loads(json.dumps(diagnosis_json(lost)))
    assert (document["version"], document["segments"], document["scenario"]) == (None, [], "coordinator")


def test_programs_get_the_plan_with_its_fingerprint() -> None:
    plan = plan_of(BEFORE)
    document = json.loads(json.dumps(plan_json(plan)))
    assert document["fingerprint"] == plan.fingerprint
    assert [s["needs_approval"] for s in document["steps"]] == [True, False, True, False, False]
    assert document["steps"][0]["argv"] == ["gprecoverseg", "-a"]


def test_a_report_survives_being_stored_as_json_between_two_runs() -> None:
    adapter = TypeAdapter(RecoveryReport)
    whole = report()
    restored = adapter.validate_json(adapter.dump_json(whole))
    assert restored == whole
    assert restored.after is not None
    assert restored.after.pairs == healthy().pairs
    assert report_text(restored) == report_text(whole)


HOSTILE = st.text(st.characters() | st.sampled_from("|`<>*_[]()\\\n\r\x1b\x00#"), max_size=60)


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=3))
def test_nothing_breaks_out_of_a_cell(rows: list[tuple[str, str]]) -> None:
    table = Table(("a", "b"), tuple(rows))
    assert len(table.text().split("\n")) == len(rows) + 2
    lines = table.markdown().split("\n")
    assert len(lines) == len(rows) + 2
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3 for line in lines)
    assert all("<" not in line and line.isprintable() for line in lines)


@given(HOSTILE)
def test_what_a_cluster_printed_cannot_forge_a_heading_or_a_link(said: str) -> None:
    hostile = report(error=said, events=(Event(START, said, said),))
    text = report_markdown(hostile)
    assert len(re.findall(r"^### ", text, re.MULTILINE)) == len(
        re.findall(r"^### ", report_markdown(report(error="x")), re.M)
    )
    assert not re.search(r"(?<!\\)\[[^\]]*(?<!\\)\]\(", text)


@given(st.text())
def test_a_plain_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)
    assert markdown("a_b|c") == r"a\_b\|c"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 kB"), (1.5 * 1024**2, "1.5 MB"), (2**60, "1048576.0 TB")],
)
def test_bytes_are_shown_as_people_read_them(count: float, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (11_520, "3 h 12 min")],
)
def test_seconds_are_shown_as_people_read_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
