"""The live view as text: everything that a person must know stands in it, at every size."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.clusters import failed_over, healthy, large, probes, resynchronizing
from gpmedic.cluster import Cluster
from gpmedic.diagnosis import diagnose
from gpmedic.limits import Limits
from gpmedic.live import Incident, Look, Lost, PhaseRow, Question, Scene, Stand, scene_json, summary
from gpmedic.live_text import scene_text
from gpmedic.phases import Phase
from gpmedic.picture_text import Glyphs, Ink
from gpmedic.policy import Automation
from gpmedic.sync import ContentProgress, Observation, advance

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SIZES = [(80, 24), (80, 50), (200, 50), (60, 16)]


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def look(cluster: Cluster, brake: str | None = None) -> Look:
    return Look(ago(3), diagnose(cluster, probes(cluster)), Limits(Automation.WITH_APPROVAL, brake), 4)


QUESTION = Question("rebalance", "gprecoverseg -a -r", ago(65), NOW + timedelta(minutes=10), "About 20 s.")
PHASES = (
    PhaseRow(Phase.OBSERVE, Stand.DONE, 2),
    PhaseRow(Phase.RECOVER, Stand.DONE, 20, usual=25),
    PhaseRow(Phase.APPROVE, Stand.NOW, 10, usual=None, since=ago(65)),
    PhaseRow(Phase.REBALANCE, Stand.TO_COME, 0, usual=18),
)
INCIDENT = Incident("brave-otter", ago(300), PHASES, "Waiting for a person's answer", ago(65), QUESTION)
SCENE = Scene("lab", 2, look(failed_over(healthy(), 1)), incident=INCIDENT)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("ink", Ink)
@pytest.mark.parametrize("hosts", [3, 50])
def test_what_is_wrong_who_is_waited_for_and_how_to_answer_are_seen_at_every_size(
    width: int, height: int, ink: Ink, hosts: int
) -> None:
    scene = replace(SCENE, look=look(failed_over(large(hosts, 4), 1)))
    lines = scene_text(scene, NOW, width, height, ink=ink).splitlines()
    plain = [strip(line) for line in lines]
    assert len(lines) <= height
    assert all(len(line) <= width for line in plain)
    text = " ".join(" ".join(plain).split())
    for words in ("1 down", "gprecoverseg -a -r?", "gpmedic approve lab", "10 min 0 s left", "seen 3 s ago", "M1↓D"):
        assert words in text, words


def strip(line: str) -> str:
    kept, escaped = "", False
    for character in line:
        if character == "\x1b":
            escaped = True
        elif not escaped:
            kept += character
        elif character == "m":
            escaped = False
    return kept


def test_the_phases_tell_what_they_took_what_they_usually_take_and_what_is_to_come() -> None:
    text = " ".join(scene_text(SCENE, NOW, 120, 40).split())
    assert "✓ recover 20 s, ▸ approve 1 min 15 s, · rebalance about 18 s" in text
    assert scene_text(SCENE, NOW, 120, 40, glyphs=Glyphs.ASCII).isascii()


def test_a_lost_connection_is_told_with_its_age_above_what_was_seen_last() -> None:
    lost = replace(SCENE, lost=Lost(ago(95), "The coordinator does not answer."), incident=None)
    text = scene_text(lost, NOW, 80, 24)
    assert "NO CONNECTION for 1 min 35 s: The coordinator does not answer." in text
    assert "1 down" in text
    assert lost.exit_code == 2
    assert summary(lost) == "connection lost: The coordinator does not answer."


def test_the_brake_and_how_mirrors_catch_up_are_told() -> None:
    cluster = resynchronizing(healthy(), 1)
    sync = None
    for second, left in ((0, 3000), (1, 2000), (2, 1000)):
        sync = advance(sync, Observation(second, (ContentProgress(1, remaining=left),)))
    text = scene_text(Scene("lab", 2, replace(look(cluster, "made by anna"), sync=sync)), NOW, 80, 30)
    assert "content 1 catching up, 67 %, 1000 B to go, 1000 B/s, about 1 s left" in " ".join(text.split())
    assert "The brake is on: made by anna" in text
    assert "brake     off" not in text


def test_a_line_of_a_pipe_changes_with_what_happens_and_not_with_time() -> None:
    later = replace(SCENE, look=replace(look(failed_over(healthy(), 1)), at=NOW, probes_age=30))
    assert summary(later) == summary(SCENE)
    assert len({summary(scene) for scene in changes()}) == len(list(changes()))
    assert all("\n" not in summary(scene) for scene in changes())


def changes() -> Iterator[Scene]:
    yield SCENE
    yield replace(SCENE, look=look(healthy()))
    yield replace(SCENE, look=look(healthy(), brake="made by anna"))
    yield replace(SCENE, incident=None)
    yield replace(SCENE, incident=replace(INCIDENT, question=None))
    yield replace(SCENE, incident=replace(INCIDENT, question=None, phases=PHASES[:2]))
    yield replace(SCENE, incident=replace(INCIDENT, ended="recovered"))
    yield replace(SCENE, prefect=Lost(ago(1), "Prefect does not answer."))


def test_what_was_seen_before_the_connection_was_lost_is_no_status_for_programs() -> None:
    lost = scene_json(replace(SCENE, lost=Lost(ago(95), "gone")))
    assert lost["status"] is None
    assert lost["lost"] == {"since": ago(95).isoformat(), "why": "gone"}
    told = scene_json(SCENE)
    assert told["status"] is not None
    assert told["status"]["findings"][0]["condition"] == "failed_over"
    assert told["recovery"] is not None
    assert told["recovery"]["question"] is not None
    assert told["recovery"]["question"]["command"] == "gprecoverseg -a -r"


def test_somebody_elses_text_cannot_move_the_cursor() -> None:
    evil = replace(SCENE, lost=Lost(ago(1), "no\x1b[2Jway\nout"), incident=replace(INCIDENT, told="\x1b[H"))
    assert "\x1b" not in scene_text(evil, NOW, 80, 24)
    assert summary(evil).isprintable()
