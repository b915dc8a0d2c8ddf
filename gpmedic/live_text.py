"""The live view as lines of a terminal, at any size: what is wrong and what waits first, then the picture."""

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from gpmedic.amounts import duration
from gpmedic.live import Incident, Look, Question, Scene, Stand
from gpmedic.picture_condensed import picture_within
from gpmedic.picture_text import Glyphs, Ink
from gpmedic.table import plain

_LABEL: Final = 10
_MARKS: Final = {
    Glyphs.UNICODE: {Stand.DONE: "✓", Stand.NOW: "▸", Stand.TO_COME: "·"},
    Glyphs.ASCII: {Stand.DONE: "+", Stand.NOW: ">", Stand.TO_COME: "."},
}
_WARNING, _NORMAL = "\x1b[1;33m", "\x1b[0m"


def scene_text(
    scene: Scene, now: datetime, width: int, height: int, *, glyphs: Glyphs = Glyphs.UNICODE, ink: Ink = Ink.PLAIN
) -> str:
    """All of it, in at most `height` lines of at most `width` columns."""
    top = [*_age(scene, now, width, ink), *_question(scene, now, width, ink)]
    below = [*_incident(scene, now, width, glyphs), *_rest(scene, now, width)]
    room = height - len(top) - len(below) - 1
    middle = _picture(scene.look, width, room, glyphs, ink) if scene.look is not None else []
    return "\n".join([*top, *middle, *([""] if below else []), *below][:height])


def _age(scene: Scene, now: datetime, width: int, ink: Ink) -> list[str]:
    look, lost = scene.look, scene.lost
    seen = "not seen yet" if look is None else f"seen {duration((now - look.at).total_seconds())} ago"
    every = f"a look every {scene.interval:g} s; Ctrl-C ends"
    first = _between(f"{plain(scene.cluster)}: {seen}", f"{now.astimezone(UTC):%H:%M:%S} UTC, {every}", width)
    if lost is None:
        return [first]
    since = f"NO CONNECTION for {duration((now - lost.since).total_seconds())}: {lost.why}"
    return [first, *_folded(since, width, _WARNING if ink is Ink.ANSI else "")]


def _picture(look: Look, width: int, room: int, glyphs: Glyphs, ink: Ink) -> list[str]:
    picture = look.picture
    if picture is None or room < 3:
        return []
    return picture_within(picture, width, room, glyphs, ink).splitlines()[:room]


def _question(scene: Scene, now: datetime, width: int, ink: Ink) -> Iterator[str]:
    question = scene.incident.question if scene.incident is not None else None
    if question is None:
        return
    yield from _labelled("WAITS", _asked(question, now), width, _WARNING if ink is Ink.ANSI else "")
    if question.estimate:
        yield from _labelled("", f"How long it takes: {question.estimate}", width)
    answer = f"gpmedic approve {scene.cluster}, gpmedic reject {scene.cluster}, in Slack or on Prefect's page"
    yield from _labelled("", f"Answer: {answer}.", width)


def _asked(question: Question, now: datetime) -> str:
    left = (question.expires_at - now).total_seconds()
    until = f"until {question.expires_at.astimezone(UTC):%H:%M} UTC"
    time = f"{until}, {duration(left)} left" if left > 0 else f"{until}, which is over"
    second = f" ({question.second_after} has said yes)" if question.second_after else ""
    who = "for a second person" if question.second_after else "for a person"
    return (
        f"{who}{second}: {question.command}? Asked {duration((now - question.asked_at).total_seconds())} ago, {time}."
    )


def _incident(scene: Scene, now: datetime, width: int, glyphs: Glyphs) -> Iterator[str]:
    incident = scene.incident
    if incident is None:
        return
    if incident.ended:
        at = f" ({incident.told_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)" if incident.told_at else ""
        yield from _labelled("recovery", f"{incident.run}, the last one: {incident.ended}{at}.", width)
        return
    yield from _labelled("recovery", f"{incident.run}, {duration((now - incident.began).total_seconds())}", width)
    yield from _labelled("", _phases(incident, now, glyphs), width)
    if incident.told and incident.question is None:
        yield from _labelled("", incident.told, width)


def _phases(incident: Incident, now: datetime, glyphs: Glyphs) -> str:
    told = []
    for row in incident.phases:
        usual = "" if row.usual is None else f" of about {duration(row.usual)}"
        times = "" if row.stand is Stand.TO_COME else f" {duration(row.elapsed(now))}"
        if row.stand is Stand.TO_COME and row.usual is not None:
            usual = f" about {duration(row.usual)}"
        told.append(f"{_MARKS[glyphs][row.stand]} {row.phase.value}{times}{'' if row.stand is Stand.DONE else usual}")
    return ", ".join(told)


def _rest(scene: Scene, now: datetime, width: int) -> Iterator[str]:
    look = scene.look
    if look is not None:
        if look.sync is not None:
            yield from _labelled("sync", look.sync.describe(), width)
        findings = look.diagnosis.findings
        if findings and (scene.incident is None or scene.incident.ended):  # else the recovery is what is done about it
            yield from _labelled("next", findings[0].facts.next_action, width)
        for sentence in look.limits.sentences:
            yield from _labelled("limits", sentence, width)
        if look.limits.brake is None and not look.limits.unknown:
            age = duration(look.probes_age + (now - look.at).total_seconds())
            yield from _labelled("brake", f"off; every primary was asked itself {age} ago", width)
    if scene.prefect is not None:
        yield from _labelled("Prefect", scene.prefect.why, width)


def _labelled(label: str, text: str, width: int, style: str = "") -> list[str]:
    indent = " " * _LABEL
    lines = textwrap.wrap(f"{label:{_LABEL}}{plain(text)}", width, subsequent_indent=indent, break_on_hyphens=False)
    return [f"{style}{line}{_NORMAL}" if style else line for line in lines]


def _folded(text: str, width: int, style: str) -> list[str]:
    return [f"{style}{line}{_NORMAL}" if style else line for line in textwrap.wrap(plain(text), width)]


def _between(left: str, right: str, width: int) -> str:
    """The one at the left edge, the other at the right; where both do not fit the left one alone."""
    gap = width - len(left) - len(right)
    return f"{left}{' ' * gap}{right}" if gap >= 2 else left[:width]
