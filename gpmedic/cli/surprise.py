"""A drill of which nobody knows before what it breaks, and what the person who is asked answers."""

import random
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from gpmedic.errors import AccessRefused, Refused
from gpmedic.practice.drills import DRILLS, Drill
from gpmedic.practice.fault import FAULTS
from gpmedic.practice.layout import SEGMENT_HOSTS
from gpmedic.training import Answer, parse_answers

_CONTENTS: Final = tuple(range(6))  # of a practice cluster


def surprising(seed: int | None) -> tuple[str, Drill]:
    """A drill at random, with its target at random; None: another one each time.

    The choice of a spare host is left out: that a host is lost for good is not to be seen from a cluster.
    """
    chance = random.Random(seed)  # noqa: S311 (no secret)
    name = chance.choice([name for name, drill in DRILLS.items() if drill.spare is None])
    drill = DRILLS[name]
    (fault, target), *_ = drill.faults.items()
    targets: Mapping[type, tuple[int | str, ...]] = {int: _CONTENTS, str: SEGMENT_HOSTS}
    if type(target) in targets:
        target = chance.choice(targets[type(target)])
    told = f"{fault.value} {'' if target is None else target}".rstrip()
    return name, replace(drill, faults={fault: target}, told=f"{name} ({told}); {FAULTS[fault].meaning}.")


def answers_of(file: Path | None) -> tuple[Answer, ...] | None:
    """Those of the file; None where a person at the terminal is asked.

    Raises:
        AccessRefused: the file cannot be read.
        Refused: there is neither a file nor a terminal.
    """
    if file is not None:
        try:
            return parse_answers(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise AccessRefused(f"{file} cannot be read ({reason}).", "Name a readable file.") from None
    if not sys.stdin.isatty():
        raise Refused(
            "--surprise asks what you would do, and there is no terminal; nothing was started.",
            "Run it in a terminal, or give the answers with --answers FILE.",
        )
    return None
