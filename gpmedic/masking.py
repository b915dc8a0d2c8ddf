"""What others wrote, fit to be kept and shown: without passwords, and without what a terminal would obey."""

import re
from typing import Final

_SECRET: Final = re.compile(r"(?i)\b(\w*(?:password|passwd|secret|accessid)\w*[\s=:']+)('[^']*'?|[^\s',;)]+)")
_INPUT: Final = re.compile(r"(\binput_value=).*(?=, input_type=)")  # pydantic quotes what it refuses
_IN_URL: Final = re.compile(r"(://)[^\s/@]+(?=@)")


def masked(line: str) -> str:
    """The line without the values that follow a word such as PASSWORD, and without those that errors quote."""
    return _IN_URL.sub(r"\1***", _INPUT.sub(r"\1***", _SECRET.sub(r"\1***", line)))


def fit_to_keep(text: str) -> str:
    """Lines of a log: passwords masked, control characters replaced; line ends and tabs stay."""
    return "\n".join(
        "".join(c if c.isprintable() or c == "\t" else "?" for c in masked(line)) for line in text.split("\n")
    )
