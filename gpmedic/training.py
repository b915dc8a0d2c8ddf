"""What a person would have done beside what gpmedic does: one row a verdict, one row a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from shlex import split
from types import MappingProxyType
from typing import Final

from gpmedic.errors import AccessRefused
from gpmedic.steps import Action, Step


@dataclass(frozen=True, slots=True)
class Answer:
    """One step that a person would take; the command as it would be typed, "" for a step that only looks."""

    action: Action
    command: str = ""

    @property
    def meant(self) -> Action:
        """What the command would do, whatever the step was called: a full copy is no incremental recovery."""
        if self.action is not Action.RECOVER:
            return self.action
        options = {option for _, options in _parts(self.command) for option in options}
        return next((action for option, action in _OPTIONS.items() if option in options), Action.RECOVER)


class Verdict(Enum):
    """What becomes of one step."""

    MATCHED = "as gpmedic does"
    OTHER_COMMAND = "right step, another command"
    OUT_OF_ORDER = "right step, at another place"
    MISSED = "missed"
    NEEDLESS = "not needed, and harmless"
    HARMFUL = "not needed, and it changes the cluster"


POINTS: Final[Mapping[Verdict, int]] = MappingProxyType(
    {
        Verdict.MATCHED: 2,
        Verdict.OTHER_COMMAND: 1,
        Verdict.OUT_OF_ORDER: 1,
        Verdict.MISSED: 0,
        Verdict.NEEDLESS: 0,
        Verdict.HARMFUL: -2,
    }
)

_OPTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "-F": Action.RECOVER_FULL,
        "--differential": Action.RECOVER_DIFFERENTIAL,
        "-r": Action.REBALANCE,
        "-p": Action.MOVE_TO_SPARE,
    }
)

LOOKS_ONLY: Final = frozenset({Action.WAIT_FOR_SYNC, Action.VERIFY})

WHY: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.RESTART: "First, as no copy serves and FTS can promote neither: only stopping everything, proving that"
        " no postmaster is left, and starting it again brings both copies up. The copies are compared before it.",
        Action.RECOVER: "First, and incrementally: until its mirror is back a content has one copy. A full copy"
        " overwrites what the failed copy holds, and comes only after an incremental recovery has failed.",
        Action.RECOVER_DIFFERENTIAL: "After an incremental recovery has failed: copies every file that differs.",
        Action.RECOVER_FULL: "After an incremental recovery has failed: it overwrites the failed copy.",
        Action.MOVE_TO_SPARE: "Only when the host is lost for good, which a person decides.",
        Action.WAIT_FOR_SYNC: "gprecoverseg ends before mirrors have caught up: who rebalances or trusts the mirror"
        " earlier may lose the only whole copy.",
        Action.REBALANCE: "After everything is synchronized, and with a question of its own: it stops acting primaries,"
        " and every query that runs is cancelled.",
        Action.RESTORE_STANDBY: "After the segments: only they serve queries.",
        Action.VERIFY: "At the end, as utilities exit 0 also when they have done nothing: the state alone proves it.",
    }
)
"""Why gpmedic takes a step, and why at its place."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One step of the plan, or one answer that is not in it (`planned` is None then)."""

    planned: Step | None
    answer: Answer | None
    verdict: Verdict

    @property
    def action(self) -> Action:
        if self.planned is not None:
            return self.planned.action
        assert self.answer is not None  # noqa: S101 (one of both is there)
        return self.answer.meant

    @property
    def points(self) -> int:
        return POINTS[self.verdict]


@dataclass(frozen=True, slots=True)
class Score:
    """All steps of the plan in their order, then what was answered besides; never below zero points."""

    judged: tuple[Judged, ...]

    @property
    def points(self) -> int:
        return max(0, sum(one.points for one in self.judged))

    @property
    def most(self) -> int:
        return POINTS[Verdict.MATCHED] * sum(1 for one in self.judged if one.planned is not None)


def score(answers: Sequence[Answer], plan: Sequence[Step]) -> Score:
    """Compare what a person would do with the steps of a plan.

    The longest run of steps that are in the same order in both is matched first; a step that is answered elsewhere is
    out of order, and what the plan does not have is judged by what it would do.
    """
    pairs = dict(_in_order([a.meant for a in answers], [s.action for s in plan]))
    left = [i for i in range(len(answers)) if i not in pairs.values()]
    judged = []
    for place, step in enumerate(plan):
        if place in pairs:
            answer = answers[pairs[place]]
            same = not step.command or same_command(answer.command, step.command)
            judged.append(Judged(step, answer, Verdict.MATCHED if same else Verdict.OTHER_COMMAND))
        elif (found := next((i for i in left if answers[i].meant is step.action), None)) is not None:
            left.remove(found)
            judged.append(Judged(step, answers[found], Verdict.OUT_OF_ORDER))
        else:
            judged.append(Judged(step, None, Verdict.MISSED))
    for i in left:
        verdict = Verdict.NEEDLESS if answers[i].meant in LOOKS_ONLY else Verdict.HARMFUL
        judged.append(Judged(None, answers[i], verdict))
    return Score(tuple(judged))


def same_command(one: str, other: str) -> bool:
    """Whether both do the same: the same commands in the same order, each with the same options in any order.

    How long a command waits (`-t`) is not asked for.
    """
    return _parts(one) == _parts(other)


def parse_answers(text: str) -> tuple[Answer, ...]:
    """A line each: `recover: gprecoverseg -a`, or `verify` for a step without a command; # begins a comment.

    Raises:
        AccessRefused: a line names no step of the runbook.
    """
    answers = []
    for number, line in enumerate(text.splitlines(), 1):
        word, _, command = line.partition("#")[0].partition(":")
        if not word.strip():
            continue
        try:
            action = Action(word.strip().replace("-", "_"))
        except ValueError:
            raise AccessRefused(
                f"Line {number} of the answers names no step: {word.strip()!r}.", f"Use one of: {', '.join(Action)}."
            ) from None
        answers.append(Answer(action, command.strip()))
    return tuple(answers)


def _in_order(answered: Sequence[Action], planned: Sequence[Action]) -> list[tuple[int, int]]:
    """The longest common subsequence: place in the plan, and in the answers; the earliest where several are as long."""
    longest = [[0] * (len(answered) + 1) for _ in range(len(planned) + 1)]
    for p in reversed(range(len(planned))):
        for a in reversed(range(len(answered))):
            equal = planned[p] is answered[a]
            longest[p][a] = longest[p + 1][a + 1] + 1 if equal else max(longest[p + 1][a], longest[p][a + 1])
    found, p, a = [], 0, 0
    while p < len(planned) and a < len(answered):
        if planned[p] is answered[a]:
            found.append((p, a))
            p, a = p + 1, a + 1
        elif longest[p + 1][a] >= longest[p][a + 1]:
            p += 1
        else:
            a += 1
    return found


def _parts(command: str) -> list[tuple[str, tuple[str, ...]]]:
    parts = []
    for one in filter(str.strip, command.replace("&&", ";").split(";")):
        try:
            program, *options = split(one)
        except ValueError:  # an open quotation mark
            program, options = one, []
        parts.append((program, tuple(sorted(_letters(_without_patience(options))))))
    return parts


def _without_patience(options: Sequence[str]) -> list[str]:
    return [o for before, o in pairwise(("", *options)) if "-t" not in (before, o)]


def _letters(options: Sequence[str]) -> list[str]:
    """`-ar` is `-a -r`; words stay as they are."""
    short = [o for o in options if o.startswith("-") and not o.startswith("--") and o[1:].isalpha()]
    return [*(f"-{letter}" for o in short for letter in o[1:]), *(o for o in options if o not in short)]
