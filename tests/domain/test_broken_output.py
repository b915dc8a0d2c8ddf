"""Output that was cut off, mixed or polluted is unreadable, or is read as just what is left of it: never as healthy."""

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmedic import gprecoverseg, gpstate, gpstop
from gpmedic.errors import UnreadableOutput
from gpmedic.gprecoverseg import Outcome
from tests.domain.recorded import GENERATIONS, plain_runs
from tests.transcripts import Step, runs

few = settings(max_examples=25, deadline=None)


def reports(option: str) -> list[str]:
    """One text of each length that was recorded: one of every kind of report."""
    return list({len(run.stdout): run.stdout for run in plain_runs("gpstate", *option.split()) if run.stdout}.values())


def recoveries() -> list[str]:
    every = [run for generation in GENERATIONS for run in runs(generation, "gprecoverseg")]
    return list({len(r.stdout): r.stdout for r in every if not any(w in r.command for w in ("--", ";"))}.values())


ERRORS, MIRRORS, STATUS, STANDBY = (reports(option) for option in ("-e", "-m", "-s", "-f"))
PAIRS, QUICK, SUMMARY = reports("-c"), reports("-Q"), reports("")
RECOVERIES = recoveries()
FINISHED = [text for text in RECOVERIES if gprecoverseg.parse(text).outcome is not Outcome.UNFINISHED]
NORMAL = [text for text in ERRORS if gpstate.parse_errors(text).all_normal]
SICK = [text for text in ERRORS if text not in NORMAL]
STOPS, STARTS = (
    list({len(r.stdout): r.stdout for g in GENERATIONS for r in runs(g, utility) if "Starting gp" in r.stdout}.values())
    for utility in ("gpstop", "gpstart")
)
Parse = Callable[[str], Any]
READ: dict[str, tuple[Parse, list[str]]] = {
    "errors": (gpstate.parse_errors, ERRORS),
    "mirrors": (gpstate.parse_mirrors, MIRRORS),
    "status": (gpstate.parse_status, STATUS),
    "standby": (gpstate.parse_standby, STANDBY),
    "pairs": (gpstate.parse_pairs, PAIRS),
    "quick": (gpstate.parse_quick, QUICK),
    "summary": (gpstate.parse_summary, SUMMARY),
    "gprecoverseg": (gprecoverseg.parse, FINISHED),
    "gpstop": (gpstop.parse_stop, STOPS),
    "gpstart": (gpstop.parse_start, STARTS),
}
every_report = pytest.mark.parametrize("kind", READ)
SECTIONS = ("switched", "unsynchronized", "change_tracking", "resynchronizing", "down", "in_recovery")
BANNERS = [
    "Authorized users only. All activity is monitored.",
    "Last login: Mon Nov 23 08:46:40 2026 from 10.0.0.1",
    "-bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)",
    "*****************************************************",
    "   sdw1      6000   Up   Up",
    "All segments are running normally",
    "",
]
banners = st.lists(st.sampled_from(BANNERS) | st.text(max_size=20).filter(lambda t: "\n" not in t), max_size=3)


def read(parse: Callable[[str], Any], text: str) -> Any:
    """What `parse` reads; None where it says that it cannot. Any other exception fails the test."""
    try:
        return parse(text)
    except UnreadableOutput as error:
        assert error.utility in {"gpstate", "gprecoverseg", "gpstop", "gpstart"}
        return None


def cut(data: st.DataObject, text: str) -> str:
    return text[: data.draw(st.integers(0, len(text) - 1), label="cut at")]


def mixed(data: st.DataObject, one: str, other: str) -> str:
    """The lines of both, each in its order, in any order between them; of the other at most twenty."""
    lines, others = one.split("\n")[:-1], other.split("\n")[:-1][:20]
    places = st.lists(st.integers(0, len(lines)), min_size=len(others), max_size=len(others)).map(sorted)
    for place, line in reversed(list(zip(data.draw(places, label="places"), others, strict=True))):
        lines.insert(place, line)
    return "".join(f"{line}\n" for line in lines)


def heard(report: Any) -> Any:
    """What a report is believed for. Lines without a prefix belong to the one above them, and are only shown."""
    if getattr(report, "failure", None) is not None:
        return "failed"
    shown = {field.name: () for field in fields(report) if field.name in {"errors", "messages", "progress"}}
    return replace(report, **shown, warnings=()) if shown else report


def utility(kind: str) -> str:
    return kind if kind.startswith("gp") else "gpstate"


def printed(wanted: Callable[[str], bool]) -> list[str]:
    """Every text of the utilities that are wanted."""
    return [text for kind, (_, texts) in READ.items() if wanted(utility(kind)) for text in texts]


def test_reports_of_both_sorts_are_there_to_be_broken() -> None:
    assert len(NORMAL) >= 2 and len(SICK) >= 10
    assert min(len(texts) for _, texts in READ.values()) >= 3


@given(data=st.data(), text=st.sampled_from(ERRORS))
@few
def test_a_report_of_errors_that_was_cut_off_shows_no_more_than_was_left_of_it(data: st.DataObject, text: str) -> None:
    whole, part = gpstate.parse_errors(text), read(gpstate.parse_errors, cut(data, text))
    if part is None:
        return
    assert not part.all_normal
    assert part.failure or any(getattr(part, section) for section in SECTIONS) or not part.mirrored
    for section in SECTIONS:
        rows = getattr(part, section)
        assert rows == getattr(whole, section)[: len(rows)]


@pytest.mark.parametrize("text", NORMAL, ids=len)
def test_a_healthy_report_is_healthy_only_when_its_last_line_is_complete(text: str) -> None:
    for end in range(len(text.rstrip("\n")) + 1):
        assert read(gpstate.parse_errors, text[:end]) is None


@given(data=st.data(), text=st.sampled_from(SICK))
@few
def test_a_report_that_lost_lines_never_reads_as_healthy(data: st.DataObject, text: str) -> None:
    lines = text.split("\n")
    lost = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=6))
    part = read(gpstate.parse_errors, "\n".join(line for at, line in enumerate(lines) if at not in lost))
    assert part is None or not part.all_normal


@pytest.mark.parametrize("heading", ["Roles Switched", "Unsynchronized Segment", "Downed Segments"])
def test_a_section_that_lost_all_its_rows_is_unreadable(heading: str) -> None:
    text = next(t for t in SICK if all(h in t for h in ("Roles Switched", "Unsynchronized", "Downed Segments")))
    lines = text.split("\n")
    at = next(n for n, line in enumerate(lines) if heading in line)
    rows = next(n for n in range(at + 2, len(lines)) if "]:-   " not in lines[n])
    assert rows > at + 2
    assert read(gpstate.parse_errors, "\n".join(lines[: at + 2] + lines[rows:])) is None


@pytest.mark.parametrize("kind", [kind for kind in READ if utility(kind) == "gpstate" and kind != "errors"])
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_other_reports_that_were_cut_off_are_unreadable_or_the_beginning_of_the_whole(
    kind: str, data: st.DataObject
) -> None:
    parse, texts = READ[kind]
    text = data.draw(st.sampled_from(texts))
    whole, part = parse(text), read(parse, cut(data, text))
    if part is None or part == whole or part.failure:
        return
    # only a warning below the table, or whole pairs at the end of -s, can be missing
    if parse is gpstate.parse_status:
        assert part.segments == whole.segments[: len(part.segments)]
        assert len(part.segments) % 2 == 0 or "Mirroring Info" not in text
    else:
        assert part.rows == whole.rows


@every_report
@given(data=st.data())
@few
def test_lines_of_another_utility_between_change_nothing_or_make_it_unreadable(kind: str, data: st.DataObject) -> None:
    parse, texts = READ[kind]
    text = data.draw(st.sampled_from(texts))
    other = data.draw(st.sampled_from(printed(lambda one: one != utility(kind))))
    part = read(parse, mixed(data, text, other))
    assert part is None or heard(part) == heard(parse(text))


@pytest.mark.parametrize("kind", ["standby", "quick", "summary"])
def test_a_report_of_counts_or_of_the_standby_that_lost_a_line_is_unreadable_or_unchanged(kind: str) -> None:
    parse, texts = READ[kind]
    for text in texts:
        whole, lines = heard(parse(text)), text.split("\n")
        for lost in range(len(lines) - 1):
            part = read(parse, "\n".join(lines[:lost] + lines[lost + 1 :]))
            assert part is None or heard(part) == whole


@pytest.mark.parametrize("text", [t for t in PAIRS if "segment(s)" in t], ids=len)
def test_pairs_that_lost_a_row_that_is_counted_below_them_are_unreadable(text: str) -> None:
    lines = text.split("\n")
    marks = ("Mirror Active", "Not In Sync", "Change Tracking")
    counted = [n for n, line in enumerate(lines) if any(mark in line for mark in marks)]
    assert counted
    for at in counted:
        assert read(gpstate.parse_pairs, "\n".join(lines[:at] + lines[at + 1 :])) is None


@every_report
@given(data=st.data())
@few
def test_two_runs_of_one_utility_in_one_text_are_unreadable(kind: str, data: st.DataObject) -> None:
    parse, texts = READ[kind]
    text = data.draw(st.sampled_from(texts))
    others = [t for t in printed(lambda one: one == utility(kind)) if t != text]
    assert read(parse, mixed(data, text, data.draw(st.sampled_from(others)))) is None


@every_report
@given(data=st.data(), lines=banners)
@few
def test_a_banner_changes_nothing_above_and_elsewhere_nothing_or_makes_it_unreadable(
    kind: str, data: st.DataObject, lines: list[str]
) -> None:
    parse, texts = READ[kind]
    text = data.draw(st.sampled_from(texts))
    whole, banner = parse(text), "".join(f"{line}\n" for line in lines)
    assert parse(banner + text) == whole
    for polluted in (text + banner, mixed(data, text, banner)):
        part = read(parse, polluted)
        assert part is None or heard(part) == heard(whole)


SUCCESS = {Outcome.RECOVERED, Outcome.REBALANCED, Outcome.NOTHING_TO_RECOVER, Outcome.NOTHING_TO_REBALANCE}
ENDS = (
    "Segments successfully recovered.\n",
    "Updating segments for resynchronization is completed.\n",
    "The rebalance operation has completed successfully.\n",
    "No segments to recover\n",
    "need to be rebalanced.\n",
)


@given(data=st.data(), text=st.sampled_from(RECOVERIES))
@few
def test_a_recovery_that_was_cut_off_is_unfinished_until_it_said_how_it_ended(data: st.DataObject, text: str) -> None:
    part_text = cut(data, text)
    part, whole = read(gprecoverseg.parse, part_text), gprecoverseg.parse(text)
    assert part is not None, "a run that goes on is always readable"
    assert part.outcome in {Outcome.UNFINISHED, whole.outcome}
    assert part.outcome not in SUCCESS or any(end in part_text for end in ENDS)
    assert part.parameters == whole.parameters[: len(part.parameters)]


@given(data=st.data(), text=st.sampled_from([t for t in FINISHED if "Recovery 1 of" in t]))
@few
def test_a_finished_recovery_that_lost_lines_names_no_wrong_segment(data: st.DataObject, text: str) -> None:
    lines = text.split("\n")
    lost = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=4))
    part = read(gprecoverseg.parse, "\n".join(line for at, line in enumerate(lines) if at not in lost))
    whole = gprecoverseg.parse(text)
    if part is not None:
        assert set(part.parameters) <= set(whole.parameters) | set(whole.nested_parameters)


@given(text=st.text(max_size=200))
@few
def test_any_text_at_all_is_read_or_unreadable(text: str) -> None:
    for report in (getattr(gpstate, name) for name in gpstate.__all__ if name.startswith("parse_")):
        assert read(report, text) is None
    for parse_run in (gprecoverseg.parse, gpstop.parse_stop, gpstop.parse_start):
        assert read(parse_run, text).outcome == "unfinished"


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_gpstop_and_gpstart_that_were_cut_off_have_not_succeeded_yet(data: st.DataObject) -> None:
    every: list[Step] = [r for g in GENERATIONS for u in ("gpstop", "gpstart") for r in runs(g, u) if r.exit_code == 0]
    run = data.draw(st.sampled_from([r for r in every if "--version" not in r.command]), label="run")
    parse = gpstop.parse_stop if "gpstop" in run.command else gpstop.parse_start
    part_text = cut(data, run.stdout)
    part = read(parse, part_text)
    ends = ("Database successfully started\n", "no errors reported\n", "Restarting System...\n")
    assert part is not None
    assert part.outcome == "unfinished" or any(end in part_text for end in ends)


HOSTILE = ("9" * 5000, "6_000", "nan", "inf MB", "-", "", "1e9%", "\u0664\u0662", "[", "\x00", "x" * 5000 + " = ")


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(
    ("parse", "texts", "number"),
    [
        (gpstate.parse_errors, SICK, r"\d+(?:\.\d+)? (?:MB|kB)|(?<=   )\d+(?=%?\s)"),
        (gpstate.parse_status, STATUS, r"(?<== )\d+(?:\.\d+)?(?: MB| kB|%)?(?=\n| )"),
        (
            gprecoverseg.parse,
            RECOVERIES,
            r"(?<=dbid )\d+|(?<== )\d+(?=\n)|\d+(?=/\d+ kB)|(?<=PID )\d+|(?<=segment )\d+",
        ),
        (gpstop.parse_stop, [r.stdout for g in GENERATIONS for r in runs(g, "gpstop")], r"(?<== )\d+"),
    ],
    ids=["errors", "status", "gprecoverseg", "gpstop"],
)
def test_no_number_however_odd_ends_in_another_exception(
    parse: Callable[[str], Any], texts: Sequence[str], number: str, value: str
) -> None:
    spoiled = [re.sub(number, lambda _: value, text, count=1) for text in texts[:12]]
    assert any(new != old for new, old in zip(spoiled, texts, strict=False))
    for text in spoiled:
        read(parse, text)
