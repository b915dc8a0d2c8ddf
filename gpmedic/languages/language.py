"""The languages that gpmedic speaks, and how a text is said in one of them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final


class Language(StrEnum):
    """By the code that a cluster's settings name it with."""

    ENGLISH = "en"
    CHINESE = "zh"

    @property
    def tag(self) -> str:
        """As HTML and screen readers want it (BCP 47)."""
        return _TAGS[self]


_TAGS: Final[Mapping[Language, str]] = MappingProxyType({Language.ENGLISH: "en", Language.CHINESE: "zh-Hans"})
Say = Callable[[str], str]


def saying(language: Language) -> Say:
    """How a text of gpmedic is said in this language; what is not gpmedic's own stays as it is."""
    return str if language is Language.ENGLISH else _translator(language)


@cache
def _translator(language: Language) -> Say:
    from gpmedic.languages.translation import Translation  # hundreds of sentences, which English never loads

    return Translation.of(language).say
