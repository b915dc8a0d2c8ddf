"""docs/traps.md says what T1, T2 ... in comments mean, and which test proves each."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "traps.md").read_text(encoding="utf-8")
SOURCES = ("gpmedic", "tasks", "flows")
_NUMBER = re.compile(r"\bT[0-9]+\b")
_ROW = re.compile(r"^\| ([TF][0-9]+) \|.*\| ([^|]+) \|$", re.M)
_TEST = re.compile(r"`(tests/\S+\.py)::(\w+)`")
PROOFS = {number: _TEST.findall(proof) for number, proof in _ROW.findall(PAGE)}


def test_every_number_in_a_comment_is_on_the_page() -> None:
    meant = {
        number
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sh"}
        for number in _NUMBER.findall(path.read_text(encoding="utf-8"))
    }
    assert "T5" in meant, "comments are found"
    assert meant - PROOFS.keys() == set()


def test_every_test_that_is_named_exists() -> None:
    named = {one for tests in PROOFS.values() for one in tests}
    assert [(file, test) for file, test in sorted(named) if test not in _tests_of(ROOT / file)] == []


def test_every_trap_and_failure_names_a_test_but_those_that_nothing_here_can_meet() -> None:
    assert list(PROOFS) == [f"T{n}" for n in range(1, 34)] + [f"F{n}" for n in range(1, 16)]
    assert [number for number, tests in PROOFS.items() if not tests] == ["T17"]


def test_all_of_them_are_met_on_a_practice_cluster_but_those_that_nothing_here_can_meet() -> None:
    live = ("tests/practice/test_", "tests/flows/", "tests/tasks/", "tests/access/")
    missing = [n for n, tests in PROOFS.items() if not any(file.startswith(live) for file, _ in tests)]
    assert missing == ["T7", "T17"]


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
