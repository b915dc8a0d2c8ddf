"""Everything that people read in an incident is said in their language, and nothing that is not gpmedic's own."""

import re
from dataclasses import replace
from enum import Enum
from pathlib import Path

import pytest
from domain.clusters import (
    V6,
    V7,
    VERSIONS,
    failed_over,
    healthy,
    mirror_down,
    mirrorless,
    probes,
    standby_dead,
    switched,
)
from domain.incidents import ANNA, at, declined, plan_of, recovered
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmedic import gpinitstandby, gprecoverseg_report, gpstop_lines
from gpmedic.alarms import CRASHED_ACTIONS, UNWATCHED_ACTIONS, Alarm, raise_alarm, start_of
from gpmedic.capabilities import Capabilities
from gpmedic.check import CheckName, Verdict
from gpmedic.cluster import Generation, Version
from gpmedic.conditions import CONDITIONS, Condition, Scenario, Severity
from gpmedic.copies import Copy, Presence, compare
from gpmedic.diagnosis import Diagnosis, Finding, diagnose
from gpmedic.document import as_text
from gpmedic.events import Approval, Decision
from gpmedic.follow_ups import FollowUp
from gpmedic.full_copy import CopyOver, make_copy_plan
from gpmedic.gprecoverseg_lines import RecoveryType
from gpmedic.incident_times import Part
from gpmedic.languages.language import Language, saying
from gpmedic.languages.translation import Translation, places, sentences_of
from gpmedic.outcome import OUTCOMES, Outcome, Standing
from gpmedic.phases import Phase
from gpmedic.picture_states import APPEARANCES, State
from gpmedic.report import (
    approval_markdown,
    approval_text,
    diagnosis_markdown,
    report_html,
    report_markdown,
    report_text,
)
from gpmedic.report_tables import _MODES, _ROLES
from gpmedic.settings import PolicySettings
from gpmedic.skipped import REASONS, Reason
from gpmedic.slack import alarm_messages, messages
from gpmedic.slack.in_language import message_in, view_in
from gpmedic.slack.incident import Card, Moving, Question
from gpmedic.slack.who_may import Risk
from gpmedic.steps import Action
from gpmedic.table import Table, Verbatim
from gpmedic.verify import ProofName
from languages.sentences import UNREAD, modules, sentences

OTHERS = [language for language in Language if language is not Language.ENGLISH]
KEPT = frozenset((Path(__file__).parent / "kept_in_english.txt").read_text().splitlines())
chinese = saying(Language.CHINESE)


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    return sentences()


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_without_its_translation(said: dict[str, str], language: Language) -> None:
    known = {english for _, english, _ in sentences_of(language)}
    missing = {s: module for s, module in said.items() if s not in known and s not in KEPT}
    assert not missing, f"Say them in {language.value}.toml, or list them in kept_in_english.txt"


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_and_no_exception_is_of_a_sentence_that_nobody_says_any_more(
    said: dict[str, str], language: Language
) -> None:
    old = [english for section, english, _ in sentences_of(language) if section not in ("words", "composed")]
    assert not [english for english in old if english not in said]
    assert not KEPT - set(said)


@pytest.mark.parametrize("language", OTHERS)
def test_every_place_of_a_sentence_is_in_its_translation_once(language: Language) -> None:
    for _, english, other in sentences_of(language):
        assert sorted(places(english)) == sorted(places(other)), english
        assert len(set(places(english))) == len(places(english)), english


def test_no_sentence_is_translated_twice() -> None:
    for language in OTHERS:
        english = [e for _, e, _ in sentences_of(language)]
        assert len(set(english)) == len(english)


def test_what_is_left_out_is_there_and_has_its_reason() -> None:
    names = {str(path) for _, path in modules()}
    assert names
    root = Path(__file__).parent.parent.parent
    for start, why in UNREAD.items():
        assert why
        assert list(root.glob(f"{start}*")) or (root / start).is_dir(), start


SHOWN: tuple[type[Enum], ...] = (
    Severity,
    Scenario,
    Decision,
    Verdict,
    CheckName,
    ProofName,
    Action,
    Phase,
    FollowUp,
    Part,
    RecoveryType,
    Risk,
    State,
    gprecoverseg_report.Outcome,
    gpinitstandby.Outcome,
    gpstop_lines.StopOutcome,
    gpstop_lines.StartOutcome,
)
WORDS = [
    *(str(member.value) for kind in SHOWN for member in kind),
    *(a.words for a in APPEARANCES.values()),
    *(a.tag for a in APPEARANCES.values() if a.tag != "up"),
    *OUTCOMES.values(),
    *_MODES.values(),
    *_ROLES.values(),
]


@pytest.mark.parametrize("word", dict.fromkeys(WORDS))
def test_every_word_of_a_table_of_data_is_translated(word: str) -> None:
    assert re.search(r"[\u4e00-\u9fff]", chinese(word)), word


@pytest.mark.parametrize("condition", Condition)
def test_every_condition_is_said_with_its_meaning_and_next_action(condition: Condition) -> None:
    facts = CONDITIONS[condition]
    finding = Finding(
        condition,
        (0,),
        (8,),
        "content 0: dbid 8 (sdw2:7000, content 0) is down, dbid 2 (sdw1:6000, content 0) serves alone",
    )
    text = diagnosis_markdown(Diagnosis("lab", None, (), (finding,)), language=Language.CHINESE)
    for words in (facts.title, facts.meaning, facts.next_action):
        assert words not in text
        assert chinese(words).replace("_", r"\_").replace("*", r"\*") in text
    assert "已宕机" in text


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said(reason: Reason) -> None:
    for words in (REASONS[reason].meaning, REASONS[reason].next_action):
        assert chinese(words) != words


# What is the same in every language: commands, settings, names, and Greenplum's own words.
_SAME = re.compile(
    r"`[^`]*`|(?:gpmedic|prefect) [a-z -]+|\S*[_./=\\]\S*|-[a-zA-Z-]+|\bdbid\b|\bcontent\b|\bpostmaster\b"
    r"|\bpg ctl stop\b|\bsdw\d\b|SELECT \* FROM|\(Slack \w+\)|INC-7|\bsource\b"
)
_ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,;:]+[A-Za-z]{2,}){2,}")


def left_in_english(text: str) -> list[str]:
    """Three English words in a row that are nobody's name."""
    return _ENGLISH.findall(_SAME.sub("·", text))


def reports() -> list[object]:
    for_version = [recovered(healthy(version)) for version in VERSIONS]
    outcomes = [replace(declined(), outcome=outcome) for outcome in (*Outcome, *Standing)]
    return [*for_version, *outcomes, replace(recovered(), rounds=(), approvals=(), samples=(), artifacts=(), events=())]


@pytest.mark.parametrize("report", reports())
def test_nothing_of_a_report_is_left_in_english(report: object) -> None:
    told = replace(report, language=Language.CHINESE, events=tuple(e for e in report.events if not e.of_catalog))  # type: ignore[type-var, attr-defined]
    for render in (report_text, report_markdown):
        assert (
            left_in_english(
                render(told)
                .replace("its clock is +9 s off", "")
                .replace("not at noon", "")
                .replace("Set the clocks.", "")
            )
            == []
        )
    page = re.sub(r"<style>.*?</style>|<[^>]*>", "\n", report_html(told), flags=re.S)
    page = page.replace("its clock is +9 s off", "").replace("not at noon", "")
    assert left_in_english(page) == []
    assert '<html lang="zh-Hans">' in report_html(told)


def test_the_catalogs_own_lines_are_quoted_in_every_language() -> None:
    quoted = [event.what for event in recovered().events if event.of_catalog]
    page = report_html(replace(recovered(), language=Language.CHINESE))
    assert quoted
    assert all(f">{what}<" in page for what in quoted)


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_nothing_of_an_approval_is_left_in_english(version: Version) -> None:
    whole = healthy(version)
    for cluster in (failed_over(whole, 2), mirror_down(whole, 0, 3), switched(whole, 1), standby_dead(version)):
        plan = plan_of(cluster)
        for step in plan.disruptive_steps:
            for shown in (
                approval_text(plan, step, (), Language.CHINESE),
                approval_markdown(plan, step, (), Language.CHINESE),
            ):
                assert left_in_english(shown) == []


@pytest.mark.parametrize("kind", [RecoveryType.FULL, RecoveryType.DIFFERENTIAL])
@pytest.mark.parametrize("version", [V6, V7], ids=str)
def test_nothing_of_what_a_copy_overwrites_is_left_in_english(version: Version, kind: RecoveryType) -> None:
    cluster = mirror_down(healthy(version), 0)
    pair = cluster.pairs[0]
    assert pair.mirror is not None
    compared = compare(pair, Copy(pair.primary, Presence.READ), Copy(pair.mirror, Presence.GONE), Generation.WAL)
    why = "the incremental recovery of dbid 8 was cut off, after which its copy cannot be trusted"
    wanted = CopyOver((8,), why, "/home/gpadmin/.gpmedic", kind, waiting=(8,), comparisons=(compared,))
    plan = make_copy_plan(diagnose(cluster, probes(cluster)), Capabilities(version), PolicySettings(), wanted)
    (step,) = plan.disruptive_steps
    assert left_in_english(approval_text(plan, step, (), Language.CHINESE)) == []


@pytest.mark.parametrize(
    "cluster", [failed_over(healthy(), 2), mirror_down(healthy(), 0, 3), mirrorless(), standby_dead()]
)
def test_nothing_of_a_diagnosis_is_left_in_english(cluster: object) -> None:
    diagnosis = diagnose(cluster, probes(cluster))  # type: ignore[arg-type]
    assert left_in_english(diagnosis_markdown(diagnosis, language=Language.CHINESE)) == []


def texts(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [t for value in part.values() for t in texts(value)]
    return [t for one in part for t in texts(one)] if isinstance(part, list | tuple) else []


QUESTION = Question(
    "run|key",
    "lab",
    Action.REBALANCE,
    "gprecoverseg -a -r",
    plan_of(switched(healthy(), 2)).disruptive_steps[0].effect,
    "Roles switched (content 2: dbid 10 (sdw3:7000, content 2) serves as primary, dbid 4 (sdw2:6000, content 2) as its"
    " mirror)",
    ("dbid 4 (sdw2:6000, content 2)",),
    "",
    at(600),
    "About 5 s to 9 s: it took 7 s before (3 times on record).",
    "boris",
)
CARD = Card(
    "lab",
    at(0),
    diagnose(failed_over(healthy(), 2), probes(failed_over(healthy(), 2))).findings,
    ("gprecoverseg -a",),
    "wait for sync: content 2 catching up, 40 %, 60.0 MB to go, 4.0 MB/s, about 15 s left",
    Moving(40, 15),
    recovered().approvals,
    Outcome.STOPPED,
    "boris said no to rebalance (not at noon); it was not run.",
    "A person said no, or nobody answered in time, which is a no.",
    "Run the recovery of lab again when the plan is acceptable.",
    "amber-otter",
    may_start=True,
    looked_at=at(9),
)
APPROVAL = Approval("rebalance", "00ff", Decision.DECLINED, ANNA, at(9), "", "command line")
ALARMS_AND_ACTIONS = [
    *((alarm, "") for alarm in Alarm),
    *((Alarm.CRASHED, action) for action in CRASHED_ACTIONS.values()),
    *((Alarm.UNWATCHED, action) for action in UNWATCHED_ACTIONS.values()),
]
ALARMED = [
    raise_alarm(alarm, "lab", at(0), action, run="otter", id="0-1", start=start_of("gpmedic"))
    for alarm, action in ALARMS_AND_ACTIONS
]
MESSAGES = {
    **{f"alarm: {told.alarm}, {told.next_action}": alarm_messages.alarm(told) for told in ALARMED},
    **{f"over: {told.alarm}": alarm_messages.over(told, at(60)) for told in ALARMED},
    "parent": messages.parent(CARD),
    "over": messages.parent(replace(CARD, over=True, findings=(), outcome=Outcome.RECOVERED)),
    "running": messages.parent(replace(CARD, findings=())),
    "question": messages.question(QUESTION),
    "closed": messages.closed(QUESTION, APPROVAL),
    "closed without an answer": messages.closed(QUESTION, None),
    "reminder": messages.reminder(QUESTION, at(300)),
    "details": messages.details(QUESTION),
    "steps": messages.steps([e for e in recovered().events if not e.of_catalog]),
    "end": messages.end(Outcome.RECOVERED, "amber-otter", "6 min 30 s"),
}


@pytest.mark.parametrize("which", MESSAGES)
def test_nothing_of_a_message_is_left_in_english_and_its_buttons_carry_the_same(which: str) -> None:
    english = MESSAGES[which]
    shown = message_in(english, chinese)
    moments = re.compile(r"<!date[^>]*>")
    for text in (shown.text, *texts(list(shown.blocks))):
        assert left_in_english(moments.sub("", text).replace("not at noon", "")) == []
    values = re.compile(r"'(?:value|action_id|type|style)': '[^']*'")
    assert values.findall(str(shown.blocks)) == values.findall(str(english.blocks))
    assert moments.findall(str(shown.blocks)) == moments.findall(str(english.blocks))
    assert message_in(english, saying(Language.ENGLISH)) == english


def test_the_form_that_asks_for_a_reason_is_said_too() -> None:
    view = view_in(messages.reason_view(QUESTION, "carried"), chinese)
    assert (view["private_metadata"], view["callback_id"]) == ("carried", messages.REASON_VIEW)
    assert [left_in_english(t) for t in texts(view)] == [[] for _ in texts(view)]
    assert view["title"]["text"] == "拒绝此步骤"


@pytest.mark.parametrize(
    ("english", "wanted"),
    [
        ("Mirror down", "镜像宕机"),
        ("up -> DOWN", "up -> 宕机"),
        ("dbid 8 (sdw2:7000, content 0)", "dbid 8 (sdw2:7000, content 0)"),
        ("sdw1, sdw2: 7000; /data/p", "sdw1, sdw2: 7000; /data/p"),
        ("dbid 8 on mirror", "mirror 上的 dbid 8"),  # a host may have such a name
        ("no row down: yes (14 rows, every one up)", "没有宕机的行：是（14 行，均为 up）"),  # noqa: RUF001
        ("boris said no to rebalance (not now); it was not run.", "boris 拒绝了再平衡（not now）；未执行。"),  # noqa: RUF001
        ("Mirror down; a strange thing; Roles switched", "镜像宕机；a strange thing；角色已互换"),  # noqa: RUF001
        ("  Mirror down\nRoles switched ", "  镜像宕机\n角色已互换 "),
        ("", ""),
        (" ", " "),
    ],
)
def test_a_text_is_said_by_the_sentences_that_it_is_made_of(english: str, wanted: str) -> None:
    assert chinese(english) == wanted


def test_what_others_wrote_is_the_same_in_every_language() -> None:
    assert chinese(Verbatim("Mirror down")) == "Mirror down"
    assert chinese("Mirror down") == "镜像宕机"
    assert chinese("dbid 4: update role, status, and mode for dbid 4") == chinese(
        "dbid 4: update role, status, and mode for dbid 4"
    )


@settings(deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from([". ", "; ", ": ", ", ", " (", ")", "a", "Mirror down", "{0}", "*"])).map("".join)
)
def test_any_text_can_be_said_and_english_stays_english(text: str) -> None:
    assert isinstance(chinese(text), str)
    assert saying(Language.ENGLISH)(text) == text


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_place_takes_whatever_stood_there(one: str, other: str) -> None:
    own = Translation({"{0} surely depends on {1}": "{1} <- {0}"}, {})
    text = f"{one} surely depends on {other}"
    if " surely depends on " not in one + other and "\n" not in text and text == text.strip():
        assert own.say(text) == f"{own.say(other)} <- {own.say(one)}"


def test_a_chinese_character_takes_two_columns_of_a_table() -> None:
    lines = Table(("时间", "what"), (("主实例", "x"), ("a", "y"))).text().splitlines()
    assert lines == ["时间    what", "------  ----", "主实例  x", "a       y"]


@pytest.mark.parametrize("report", [recovered(), declined()])
def test_no_line_of_a_chinese_report_is_wider_than_the_others(report: object) -> None:
    import wcwidth

    text = report_text(replace(report, language=Language.CHINESE))  # type: ignore[type-var]
    assert max(wcwidth.width(line) for line in text.splitlines()) <= 100


def test_a_large_report_is_said_in_a_moment() -> None:
    many = "; ".join(
        f"content {n}: dbid {n} (sdw{n}:6000, content {n}) is down, dbid {n} (sdw1:7000, content {n}) serves alone"
        for n in range(300)
    )
    assert chinese(f"Primary failed over: {many}.").count("独自提供服务") == 300
    assert as_text([], chinese) == "\n"
