"""Output that was cut off, mixed or polluted is unreadable, or is read as just what is left of it: never as healthy."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmedic import gprecoverseg, gpstate, gpstop
from gpmedic.errors import UnreadableOutput
from gpmedic.gprecoverseg import Outcome
from tests.domain.recorded import GENERATIONS, plain_runs
from tests.transcripts import Step, runs

few = settings(max_examples=40, deadline=None)


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


def same(part: gpstate.ErrorReport, whole: gpstate.ErrorReport) -> bool:
    """Equal; the text of a failure, several lines without a prefix, may have lost or gained some."""
    return part == whole or (part.failure is not None and whole.failure is not None)


def test_reports_of_both_sorts_are_there_to_be_broken() -> None:
    assert len(NORMAL) >= 2 and len(SICK) >= 10
    assert min(map(len, (MIRRORS, STATUS, STANDBY, FINISHED))) >= 3


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


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (gpstate.parse_mirrors, MIRRORS),
        (gpstate.parse_status, STATUS),
        (gpstate.parse_standby, STANDBY),
        (gpstate.parse_pairs, PAIRS),
        (gpstate.parse_quick, QUICK),
        (gpstate.parse_summary, SUMMARY),
    ],
    ids=["mirrors", "status", "standby", "pairs", "quick", "summary"],
)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_other_reports_that_were_cut_off_are_unreadable_or_the_beginning_of_the_whole(
    parse: Callable[[str], Any], texts: Sequence[str], data: st.DataObject
) -> None:
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


@given(data=st.data(), text=st.sampled_from(ERRORS), other=st.sampled_from(RECOVERIES))
@few
def test_lines_of_another_utility_between_change_nothing_or_make_it_unreadable(
    data: st.DataObject, text: str, other: str
) -> None:
    part = read(gpstate.parse_errors, mixed(data, text, other))
    assert part is None or same(part, gpstate.parse_errors(text))


@given(data=st.data(), text=st.sampled_from(FINISHED), other=st.sampled_from(ERRORS))
@few
def test_a_recovery_between_the_lines_of_a_report_is_read_as_itself_or_not_at_all(
    data: st.DataObject, text: str, other: str
) -> None:
    part, whole = read(gprecoverseg.parse, mixed(data, text, other)), gprecoverseg.parse(text)
    if part is not None:
        assert (part.outcome, part.parameters, part.unreachable) == (whole.outcome, whole.parameters, whole.unreachable)


@given(data=st.data(), pair=st.lists(st.sampled_from(NORMAL + SICK), min_size=2, max_size=2, unique=True))
@few
def test_two_runs_of_one_utility_in_one_text_are_unreadable(data: st.DataObject, pair: list[str]) -> None:
    assert read(gpstate.parse_errors, mixed(data, *pair)) is None


@given(above=banners, below=banners, text=st.sampled_from(NORMAL + SICK))
@few
def test_a_banner_changes_nothing_or_makes_a_report_unreadable(above: list[str], below: list[str], text: str) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (above, below))
    whole = gpstate.parse_errors(text)
    assert read(gpstate.parse_errors, before + text) == whole
    part = read(gpstate.parse_errors, before + text + after)
    assert part is None or same(part, whole)


@given(above=banners, below=banners, text=st.sampled_from(FINISHED))
@few
def test_a_banner_changes_nothing_or_makes_a_recovery_unreadable(above: list[str], below: list[str], text: str) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (above, below))
    whole = gprecoverseg.parse(text)
    assert read(gprecoverseg.parse, before + text) == whole
    part = read(gprecoverseg.parse, before + text + after)
    assert part is None or (part.outcome, part.parameters) == (whole.outcome, whole.parameters)


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
