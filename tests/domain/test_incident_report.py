"""What a report tells beside plans and segments: how long it took, what is left, and as a page of its own."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clusters import healthy, large, mirror_dbid, primary_dbid
from domain.incidents import START, at, caught_up, declined, line, recovered
from gpmedic.events import MAX_EVENTS, Event
from gpmedic.follow_ups import FollowUp, follow_ups
from gpmedic.incident_times import Part, Took, incident_times
from gpmedic.not_done import not_done
from gpmedic.outcome import Outcome, Standing
from gpmedic.phases import Phase
from gpmedic.recovery_report import RecoveryReport
from gpmedic.report import report_html, report_markdown, report_text
from gpmedic.report_sections import pictures_of
from gpmedic.skipped import REASONS, Reason
from gpmedic.steps import Action
from gpmedic.verify import Proof, ProofName


def times(report: RecoveryReport) -> dict[Part, Took]:
    return {took.part: took for took in incident_times(report)}


def test_each_part_is_counted_from_what_was_noted() -> None:
    seconds = {part: took.seconds for part, took in times(recovered()).items()}
    assert seconds == {
        Part.DETECT: 43,
        Part.APPROVE: 90 + 28,
        Part.RECOVER: 22,
        Part.SYNCHRONIZE: 181 + 27,
        Part.REBALANCE: 21,
        Part.WHOLE: 432,
    }


@pytest.mark.parametrize(
    ("part", "changed", "why"),
    [
        (Part.DETECT, {"events": ()}, "not known: the catalog's history shows no segment marked down"),
        (Part.APPROVE, {"approvals": ()}, "nobody was asked"),
        (Part.RECOVER, {"rounds": (), "events": ()}, "nothing had to be recovered"),
        (Part.RECOVER, {"events": ()}, "it did not come to that"),
        (Part.SYNCHRONIZE, {"samples": ()}, "every pair was synchronized at the first look"),
        (Part.SYNCHRONIZE, {"samples": (), "events": ()}, "it did not come to that"),
        (Part.SYNCHRONIZE, {"samples": caught_up((1, 9, 900))[:-1]}, "not known: the end of the wait was not seen"),
        (Part.REBALANCE, {"rounds": (), "events": ()}, "no roles had to be switched back"),
    ],
)
def test_what_is_not_known_is_said_and_never_guessed(part: Part, changed: dict[str, object], why: str) -> None:
    took = times(replace(recovered(), **changed))[part]  # type: ignore[arg-type]
    assert took.seconds is None
    assert took.told.startswith(why)


def test_a_question_of_which_the_beginning_is_not_on_record_has_no_length() -> None:
    whole = recovered()
    old = replace(whole, approvals=(whole.approvals[0], replace(whole.approvals[1], asked_at=None)))
    assert times(old)[Part.APPROVE] == Took(Part.APPROVE, None, "not known: when it was asked is not on record")


def test_a_command_whose_end_nobody_saw_has_no_length() -> None:
    begun = tuple(e for e in recovered().events if e.at <= at(96))
    died = replace(recovered(), outcome=Standing.DIED, events=begun)
    assert times(died)[Part.RECOVER].told == "not known: its end was not noted"


def test_a_mark_after_the_first_look_does_not_tell_when_it_was_detected() -> None:
    late = replace(recovered(), events=tuple(replace(e, at=at(60)) if e.of_catalog else e for e in recovered().events))
    assert times(late)[Part.DETECT].seconds is None
    assert times(late)[Part.WHOLE].seconds == 390


def test_the_steps_that_were_not_done_are_named_with_why() -> None:
    assert not_done(recovered()) == ()
    left = not_done(declined())
    assert [n.step.action.value for n in left] == ["rebalance", "wait_for_sync", "verify"]
    assert left[0].why == "boris said no to rebalance (not at noon); it was not run."
    assert {n.why for n in left[1:]} == {"a step before it was not done"}


def test_a_step_that_was_approved_for_an_earlier_plan_is_not_done_for_the_newest_one() -> None:
    again = replace(recovered().rounds[0], plan=replace(recovered().rounds[0].plan, fingerprint="another"))
    failed = replace(declined(), rounds=(recovered().rounds[0], again))
    assert not_done(failed)[0].step.action is Action.RECOVER


@pytest.mark.parametrize(
    ("standing", "first"),
    [
        (Standing.RUNNING, "it has yet to come"),
        (Standing.WAITING, "it waits for an answer"),
        (Standing.DIED, "the run ended without a last word"),
    ],
)
def test_of_a_run_that_has_not_ended_it_is_said_what_its_steps_wait_for(standing: Standing, first: str) -> None:
    assert not_done(replace(declined(), outcome=standing, error=""))[0].why == first


def kinds(report: RecoveryReport) -> list[FollowUp]:
    return [todo.kind for todo in follow_ups(report)]


def test_what_is_left_for_people_is_listed() -> None:
    assert kinds(recovered()) == [FollowUp.CAUSE, FollowUp.WARNING]
    cause, warning = follow_ups(recovered())
    assert str(healthy().segment(primary_dbid(2))) in cause.what
    assert str(healthy().segment(mirror_dbid(2))) not in cause.what
    assert warning.next_action == "Set the clocks."
    assert kinds(declined()) == [FollowUp.RUN_ENDED, FollowUp.ROLES_SWITCHED, FollowUp.CAUSE, FollowUp.WARNING]
    unproven = replace(recovered(), proofs=(Proof(ProofName.GPSTATE, False, "not read"),))
    assert FollowUp.UNPROVEN in kinds(unproven)
    down = replace(recovered(), after=recovered().before.cluster)
    assert {FollowUp.STILL_DOWN, FollowUp.ROLES_SWITCHED} < set(kinds(down))
    cut = replace(recovered(), events=(Event(START, "again and again"),) * MAX_EVENTS)
    assert FollowUp.CUT in kinds(cut)


def test_where_nothing_is_left_that_is_said() -> None:
    nothing = replace(recovered(), rounds=(), before=replace(recovered().before, findings=()))
    assert "Nothing that gpmedic knows of." in report_text(nothing)


def test_a_refusal_tells_its_reason_and_what_ends_it_in_every_form() -> None:
    for shown in (report_text(declined()), report_markdown(declined()), report_html(declined())):
        assert REASONS[Reason.NOT_APPROVED].meaning in " ".join(shown.split())
        assert "when the plan is acceptable" in " ".join(shown.split())
    bare = replace(declined(), next_action="", error="")
    assert REASONS[Reason.NOT_APPROVED].next_action in " ".join(report_text(bare).split())


class Page(HTMLParser):
    """What a browser would make of a page: its elements, what it would fetch, its text."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.fetched: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        given = dict(attrs)
        self.fetched += [v for k in ("src", "href", "srcset", "data", "action") if (v := given.get(k)) and v[0] != "#"]
        assert not [name for name in given if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("report", [recovered(), declined(), recovered(large(10, 4), 2, 7)])
def test_a_page_needs_no_other_file_and_is_whole(report: RecoveryReport) -> None:
    text = report_html(report)
    page = Page(text)
    assert page.open == []
    assert page.fetched == []
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(page.elements)
    assert not re.search(r"@import|url\(", text)
    assert page.elements.count("svg") == 2, "before and after, and the chart"
    assert page.elements.count("h1") == 1
    told = " ".join(" ".join(page.words).split())
    for words in ("How long it took", "1 min 58 s", "What is left to do", "evidence-lab", "amber-otter"):
        assert words in told


def test_the_page_reads_like_the_text() -> None:
    headings = re.findall(r"<h[123]>([^<]+)</h", report_html(recovered()))
    told = [line for line, rule in pairwise(report_text(recovered()).splitlines()) if rule.startswith("==")]
    assert [h.replace("&gt;", ">") for h in headings] == told


HOSTILE = st.text(
    st.characters(exclude_categories=("Cs",)) | st.sampled_from("<>&\"'`=/\x00\x1b"), max_size=40
) | st.sampled_from(
    ["<script>alert(1)</script>", "</style><img src=x onerror=y>", "' onload='x", "{{ 7*7 }}", "]]>", "--><b>"]
)


PARTS_OF_A_PAGE = frozenset(Page(report_html(declined())).elements)


@settings(max_examples=12)
@given(HOSTILE)
def test_nothing_that_a_cluster_or_a_person_wrote_becomes_a_part_of_the_page(said: str) -> None:
    report = declined()
    hostile = replace(
        report,
        cluster_name=said or "x",
        error=said,
        run=said,
        events=(*report.events, Event(at(1), said, said), line(2, Phase.RECOVER, said)),
        approvals=tuple(replace(a, by=said, reason=said, via=said) for a in report.approvals),
        before=replace(report.before, findings=tuple(replace(f, detail=said) for f in report.before.findings)),
    )
    page = Page(report_html(hostile))
    assert page.fetched == []
    assert set(page.elements) <= PARTS_OF_A_PAGE
    assert said != "{{ 7*7 }}" or "49" not in page.words


def test_long_tables_are_folded_and_long_lists_of_numbers_drawn_together() -> None:
    text = report_html(recovered(large(10, 4), 2, 7))
    assert "<details><summary>82 rows</summary>" in text
    assert '<td class="short">2-81</td>' in text


def test_after_the_proofs_no_primary_counts_as_not_asked() -> None:
    assert pictures_of(recovered())[1].note == ""
    assert pictures_of(replace(recovered(), proofs=()))[1].note != ""


def test_of_a_lost_coordinator_there_is_no_picture() -> None:
    lost = replace(recovered(), before=replace(recovered().before, cluster=None), after=None, outcome=Outcome.FAILED)
    assert pictures_of(lost) == ()
    assert "svg" in report_html(lost), "the chart is still there"
