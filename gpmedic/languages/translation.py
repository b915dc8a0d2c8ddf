"""Say a text of gpmedic in another language, also one that was stored in English: by the sentences that it is made of.

All of gpmedic speaks English, and what a journal keeps is English. Where it is shown, each text is looked up among the
sentences of a data file. Their places in braces take whatever stood there, which is then looked up in turn. What is in
no sentence, as a host name or what a utility has printed, stays as it is.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from gpmedic.languages.language import Language
from gpmedic.table import Verbatim

JOINTS: Final = "joints"
"""The section of the data file that is no sentences."""
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_LONG: Final = 2000
"""Characters of a text that is certainly put together: it is looked at by its parts first."""
_BEGIN: Final = 3
"""Characters by which sentences are found."""
_VAGUE: Final = 6
"""Letters below which a sentence takes no words but one in each of its places, unless it begins with its own."""
_OWN_BEGIN: Final = 3
"""Letters that are such a beginning."""
# How texts are put together, the widest first.
_SENTENCES: Final = re.compile(r"(?:(?<=[^\d\s][.!?])|(?<=[.!?]\*)) +(?=\S)")  # 1. begins a line of a list
_JOINTS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {" ": _SENTENCES, **{joint: re.compile(re.escape(joint)) for joint in (" · ", " -> ", "; ", ": ", ", ")}}
)
_BRACKETS: Final = " ({})"
_BEFORE_A_HOST: Final = " on "
_NEEDLESS: Final = re.compile(
    r" +(?= )|(?<=[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]) +(?=[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef])"
    r"|(?<=[\u3002\uff1b\uff1a\uff0c]) +| +(?=[\u3002\uff1b\uff1a\uff0c])"
)
"""Blanks between two Chinese characters, and beside Chinese punctuation."""
_WORDS: Final = re.compile(r"[a-z]{3,}\W+(?:\w+\W+)*[a-z]{3,}")
# Bold in Slack, a time of day before what happened, a number before what is counted, a cluster before what it is about.
_FRAMES: Final = tuple(
    map(re.compile, (r"(\*)([^*]+)(\*)", r"(`[^`]*` )(.+)()", r"(\d+ )(.+)()", r"(\W*[\w-]+:\*? )(.+)()"))
)
_BRACKETED: Final = re.compile(r"([^()]+?) \((.+)\)")


def places(sentence: str) -> list[str]:
    """The names of the places of a sentence, in their order."""
    return _PLACE.findall(sentence)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One line of the data file: the English between the places, and the other language.

    Attributes:
        letters: how much of a text it is certain of; `begin`: of these, before its first place.
        longest: of what is fixed; a text without it is another sentence.
        hosts: the places after "on": one word there is a name, and a host may be called mirror or standby.
    """

    fixed: tuple[str, ...]
    names: tuple[str, ...]
    said: str
    letters: int
    begin: int
    longest: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, english: str, said: str) -> "_Sentence":
        fixed = tuple(_PLACE.split(english)[::2])
        letters = [sum(map(str.isalpha, part)) for part in fixed]
        names = tuple(places(english))
        hosts = frozenset(name for before, name in zip(fixed, names, strict=False) if before.endswith(_BEFORE_A_HOST))
        return cls(fixed, names, said, sum(letters), letters[0], max(fixed, key=len), hosts)

    def match(self, text: str) -> dict[str, str] | None:
        """What stands in each place; None where it is another sentence. In time that grows only with the text."""
        first, *middle, last = self.fixed
        end = len(text) - len(last)
        if end < len(first) or not (text.startswith(first) and text.endswith(last)):
            return None
        taken, at = [], len(first)
        for part in middle:
            if not part.strip():  # where one ends and the next begins cannot be told: the last one takes both
                taken.append("")
                continue
            found = text.find(part, at, end)
            if found < 0:
                return None
            taken.append(text[at:found])
            at = found + len(part)
        taken.append(text[at:end])
        if self.letters < _VAGUE and self.begin < _OWN_BEGIN and any(map(_WORDS.search, taken)):
            return None
        return dict(zip(self.names, taken, strict=True))


class Translation:
    """The sentences of one language.

    Args:
        joints: what it writes for those between parts, for brackets and for the full stop, where that is another.
    """

    def __init__(self, sentences: Mapping[str, str], joints: Mapping[str, str]) -> None:
        self._joints = joints
        self._exact = {english: said for english, said in sentences.items() if not places(english)}
        patterns = [_Sentence.of(english, said) for english, said in sentences.items() if places(english)]
        # The most certain first; looked through by how they begin, or a large report would take a minute.
        self._begun: dict[str, list[_Sentence]] = {}
        for sentence in sorted(patterns, key=lambda s: (-s.letters, len(s.names))):
            self._begun.setdefault(sentence.fixed[0][:_BEGIN], []).append(sentence)
        self._remembered = lru_cache(maxsize=20_000)(self._say)

    @classmethod
    def of(cls, language: Language) -> "Translation":
        """That of the data file."""
        sections = _sections(language)
        return cls({english: said for _, english, said in sentences_of(language)}, sections[JOINTS])

    def say(self, text: str) -> str:
        """The text in this language, as far as it is gpmedic's own."""
        return text if isinstance(text, Verbatim) else self._remembered(text)

    def _say(self, text: str) -> str:
        if "\n" in text:
            return "\n".join(map(self.say, text.split("\n")))
        if text in self._exact:
            return self._exact[text]
        core = text.strip()
        if core != text:
            return text.replace(core, self.say(core)) if core else text
        if len(text) > _LONG and (parts := self._in_parts(text)) is not None:
            return parts
        # Many sentences fit a text that is put together of others: what leaves the least in English is meant.
        return min(self._readings(text), key=_in_english, default=text)

    def _readings(self, text: str) -> Iterator[str]:
        if (matched := self._match(text)) is not None:
            yield self._filled(*matched)
        if text.endswith(".") and (matched := self._match(text[:-1])) is not None:
            yield self._filled(*matched) + self._joints.get(".", ".")
        for frame in _FRAMES:
            if (framed := frame.fullmatch(text)) is not None and (inner := self._changed(framed[2])) is not None:
                yield f"{framed[1]}{inner}{framed[3]}"
        if (parts := self._in_parts(text)) is not None:
            yield parts

    def _match(self, text: str) -> tuple[_Sentence, dict[str, str]] | None:
        begins = {text[:length] for length in range(_BEGIN + 1)}
        found = (self._first_of(self._begun.get(begin, ()), text) for begin in begins)
        return max((f for f in found if f is not None), key=lambda f: f[0].letters, default=None)

    def _first_of(self, sentences: Iterable[_Sentence], text: str) -> tuple[_Sentence, dict[str, str]] | None:
        for sentence in sentences:
            if sentence.longest in text and (taken := sentence.match(text)) is not None:
                return sentence, taken
        return None

    def _filled(self, sentence: _Sentence, taken: Mapping[str, str]) -> str:
        def in_place(place: re.Match[str]) -> str:
            text = taken[place[1]]
            return text if place[1] in sentence.hosts and " " not in text else self.say(text)

        return _NEEDLESS.sub("", _PLACE.sub(in_place, sentence.said))

    def _in_parts(self, text: str) -> str | None:
        """The text by its parts; None where not one of them is known."""
        for joint, pattern in _JOINTS.items():
            parts = list(_split(text, pattern, most=1 if joint == ": " else None))
            if len(parts) > 1 and (said := [self.say(part) for part in parts]) != parts:
                return _NEEDLESS.sub("", self._joints.get(joint, joint).join(said))
        if text.endswith(".") and (whole := self._changed(text[:-1])) is not None:
            return whole + self._joints.get(".", ".")
        if (found := _BRACKETED.fullmatch(text)) is not None:
            before, within = self.say(found[1]), self.say(found[2])
            if (before, within) != (found[1], found[2]):
                return before + self._joints.get(_BRACKETS, _BRACKETS).format(within)
        return None

    def _changed(self, text: str) -> str | None:
        said = self.say(text)
        return None if said == text else said


def _in_english(text: str) -> int:
    """Letters that are left in it."""
    return sum(c.isascii() and c.isalpha() for c in text)


def sentences_of(language: Language) -> Iterator[tuple[str, str, str]]:
    """Section, English and the other language, in the order of the data file."""
    for name, section in _sections(language).items():
        if name != JOINTS:
            yield from ((name, english, said) for english, said in section.items())


def _sections(language: Language) -> dict[str, dict[str, str]]:
    file = files("gpmedic") / "languages" / f"{language.value}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _split(text: str, joint: re.Pattern[str], most: int | None) -> Iterator[str]:
    """The parts between the joints that stand in no brackets, at the first `most` of them."""
    begin, left = 0, most
    for found in joint.finditer(text):
        before = text[: found.start()]
        if before.count("(") > before.count(")"):
            continue
        yield text[begin : found.start()]
        begin = found.end()
        left = None if left is None else left - 1
        if left == 0:
            break
    yield text[begin:]
