"""What others wrote, fit to be kept and shown: without passwords, and without what a terminal would obey."""

import re
from typing import Final

# What follows such a word, to its end: where it is not clear where that is, rather too much is masked than too little.
_SECRET: Final = re.compile(
    r"""(?isx)
    ( (?:password|passwd|passphrase|secret|accessid)\w*+ (?: ["'\\]* \s* [:=]=? >? \s* | \s* ) )
    (?: ''[^']+''                                 # a literal in a literal, as in EXECUTE '...'
      | \\*""[^"]+""                              # a string of JSON in a line of CSV
      | (?:U&|[ENB])? '(?:[^'\\] | '' | \\.)* '?  # SQL; cut off, it has no end
      | \\*"(?:[^"\\] | "" | \\.)* "?             # JSON, and a string of JSON in one of JSON
      | (\$\w*\$) .*? (?:\2 | $)                  # SQL, dollar-quoted
      | [^\s'",;)}\]]+
    )""",
)
_INPUT: Final = re.compile(r"(\binput_value=).*(?=, input_type=)")  # pydantic quotes what it refuses
_IN_URL: Final = re.compile(r"(://)[^\s/@]+@(?:[^\s/@]+@)*")  # a careless password has an @ itself
_BEFORE_A_HOST: Final = re.compile(r"(?<![\w:/])([A-Za-z_][\w.+-]*:)[^\s/'\"]+(?=@[\w\[])")  # user:password@host


def masked(line: str) -> str:
    """The line without the values that follow a word such as PASSWORD, and without those that errors quote."""
    line = _INPUT.sub(r"\1***", _SECRET.sub(r"\1***", line))
    return _BEFORE_A_HOST.sub(r"\1***", _IN_URL.sub(r"\1***@", line))


def fit_to_keep(text: str) -> str:
    """Lines of a log: passwords masked, control characters replaced; line ends and tabs stay."""
    return "\n".join(
        "".join(c if c.isprintable() or c == "\t" else "?" for c in masked(line)) for line in text.split("\n")
    )
