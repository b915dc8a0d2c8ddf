"""Commands of gpmedic as documents show them, held against the real command line."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from gpmedic.cli.commands import COMMANDS, loaded
from gpmedic.practice.fault import Fault
from tests.docs.pages import blocks, prose

OF_THE_WHOLE = frozenset({"--help", "--install-completion"})
_TYPED = re.compile(r"(?:^|[\s/])(?P<command>gpmedic(?: [^#]*)?)$")
_IN_A_SENTENCE = re.compile(r"`(?P<command>gpmedic(?: [^`]+)?)`")


def shown_commands(page: Path) -> Iterator[str]:
    """Every `gpmedic ...` of the page, whether with its arguments or only its name."""
    for block in blocks(page):
        for line in block.text.splitlines():
            typed = block.language == "sh" or line.startswith("$ ")
            if typed and (found := _TYPED.search(line.partition(" #")[0].rstrip())):
                yield found["command"]
    for found in _IN_A_SENTENCE.finditer(prose(page)):
        yield " ".join(found["command"].split())


def fault_of(command: str) -> str | None:
    """Why the command line would refuse it; None where it would not. A bare name, without arguments, is a mention."""
    words = [_meant(word) for word in shlex.split(command)[1:]]
    if not words or words[0] in OF_THE_WHOLE:
        return None
    if words[0] not in COMMANDS:
        return f"there is no command {words[0]!r}"
    found, words = loaded(words[0]), words[1:]
    while words and (children := getattr(found, "commands", None)) is not None:
        if words[0] not in children:
            return f"there is no command {words[0]!r}"
        found, words = children[words[0]], words[1:]
    if not words or words == ["--help"]:
        return None
    try:
        found.make_context(found.name or "", list(words))
    except Exception as error:  # typer brings a click of its own, whose errors it does not show
        return str(getattr(error, "message", "") or type(error).__name__)
    if found.name in {"break", "heal"} and words[0] not in set(Fault):
        return f"there is no fault {words[0]!r}"
    return None


def leaves() -> Iterator[str]:
    """Every command, with its groups before it."""
    for name in COMMANDS:
        command = loaded(name)
        group: dict[str, object] | None = getattr(command, "commands", None)
        yield from (f"gpmedic {name}",) if group is None else (f"gpmedic {name} {child}" for child in group)


def _meant(word: str) -> str:
    """A value in the place of a word that stands for one."""
    return "0" if word in {"N", "..."} else word
