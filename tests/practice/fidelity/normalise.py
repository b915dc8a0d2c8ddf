"""Make two runs of a utility comparable: everything that differs between two runs of the real one on one cluster.

Kept are the lines, their order, their level, hosts, ports, directories and every word. Replaced are times, process ids,
versions, sizes, WAL positions and runs of blanks; dropped are the dots that show that a utility is still waiting.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple


class Rule(NamedTuple):
    """Every match of `pattern` in a line becomes `replacement`."""

    pattern: re.Pattern[str]
    replacement: str


def rule(pattern: str, replacement: str) -> Rule:
    return Rule(re.compile(pattern), replacement)


WAITING = re.compile(r"[. ]*")

# 20261123:08:46:40:010153 gpstate:mdw:gpadmin-[INFO]:-
PREFIX = rule(r"^\d{8}:\d\d:\d\d:\d\d:\d{6} ([a-z]+):[^:]+:[^:]+-\[([A-Z]+)\]:-", r"\1 \2 -")

RULES = (
    PREFIX,
    # Versions, as `postgres --gp-version`, version() and gp_version_at_initdb tell them.
    rule(
        r"PostgreSQL \d+\S* \(Greenplum Database .*?\)(?: on .*? compiled on \w+ +\d+ \d+ \d\d:\d\d:\d\d(?: .*?\))?)?",
        "VERSION",
    ),
    rule(r"postgres \(Greenplum Database\) \S+ build [^']*", "VERSION"),
    rule(r"\d+\.\d+\.\d+(?:\.\d+)? build (?:commit:[0-9a-f]+|[A-Za-z ]+)", "VERSION"),
    rule(r"(Postgres version +=) \d+\.\d+(?:\.\d+)?$", r"\1 VERSION"),
    # Times.
    rule(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)?)?", "TIME"),
    rule(r"\w{3} \d+ \w{3} \d{4} \d\d:\d\d:\d\d [AP]M \w+", "TIME"),
    rule(r"\b\d{8}_\d{6}\b", "TIME"),
    # Process ids; 0 says that there is none.
    rule(r"(\bPID +=) [1-9]\d*", r"\1 PID"),
    rule(r"(process ID +=) [1-9]\d*", r"\1 PID"),
    rule(r"(with PID:? ) *[1-9]\d*", r"\1PID"),
    # WAL positions and sizes.
    rule(r"\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b", "WAL"),
    rule(r"(Bytes (?:remaining|received)[a-z ]*=) -?\d+", r"\1 BYTES"),
    rule(r" {2,}", " "),
)


def normalise(text: str, also: Iterable[Rule] = ()) -> list[str]:
    """The lines of one stream of one run, without what differs between two runs.

    Args:
        also: rules of one utility, after the common ones.
    """
    rules = (*RULES, *also)
    return [_line(line, rules) for line in text.splitlines() if not WAITING.fullmatch(line)]


@cache  # a recording is compared again and again
def _line(line: str, rules: tuple[Rule, ...]) -> str:
    for pattern, replacement in rules:
        line = pattern.sub(replacement, line)
    return line.rstrip()
