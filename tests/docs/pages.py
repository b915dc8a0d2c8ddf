"""The documents as text: their blocks, and what stands between markers, which is rendered from where it was recorded.

A marker is a comment on a line of its own, `<!-- recorded: mirror-down/status.txt -->`; what it renders ends with
`<!-- end -->`. After the source, `; FIRST .. LAST` quotes the lines from the first that holds FIRST to the next that
holds LAST, and `; WORDS` quotes one line; cuts are shown as `...`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.transcripts import Step, recordings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RECORDED = DOCS / "recorded"
CUT = "..."
_MARKED = re.compile(
    r"^<!-- (?P<kind>recorded|transcript|file): (?P<what>[^\n]+?) -->\n(?P<body>.*?)^<!-- end -->$", re.M | re.S
)
_FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
_LANGUAGES = {".toml": "toml", ".yaml": "yaml"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `marked` where it stands between markers."""

    page: Path
    language: str
    text: str
    marked: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text[:60]!r}"


def pages() -> tuple[Path, ...]:
    """README.md and every page of docs/ that a person has written."""
    return (ROOT / "README.md", *(p for p in sorted(DOCS.rglob("*.md")) if RECORDED not in p.parents))


def other_documents() -> tuple[Path, ...]:
    """Documents for those who change gpmedic: what they name must exist too."""
    return tuple(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "tests/live/README.md"))


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    spans = [m.span() for m in _MARKED.finditer(text)]
    for found in _FENCED.finditer(text):
        marked = any(begin < found.start() and found.end() < end for begin, end in spans)
        yield Block(page, found["language"], found["text"], marked)


def prose(page: Path) -> str:
    """The page without its blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def rendered(text: str) -> str:
    """A page with what stands between its markers as it was recorded."""
    return _MARKED.sub(_render, text)


def _render(found: re.Match[str]) -> str:
    kind, what = found["kind"], found["what"]
    source, *quotes = (part.strip() for part in what.split(";"))
    language, lines = _SOURCES[kind](source)
    shown = quoted(lines, quotes) if quotes else lines
    if language is None:
        body = "\n".join(f"> {line}".rstrip() for line in shown)
    else:
        body = "\n".join((f"```{language}", *shown, "```"))
    return f"<!-- {kind}: {what} -->\n{body}\n<!-- end -->"


def quoted(lines: Sequence[str], quotes: Sequence[str]) -> list[str]:
    """The lines that are quoted, each quote sought after the one before it.

    Raises:
        AssertionError: words that are not there: the recording has changed, and the page must too.
    """
    shown: list[str] = []
    place = 0
    for quote in quotes:
        first, _, last = (part.strip() for part in quote.partition(" .. "))
        begin = _find(lines, first, place)
        end = _find(lines, last, begin + 1) if last else begin
        if begin > place and any(lines[place:begin]):
            shown.append(CUT)
        shown += lines[begin : end + 1]
        place = end + 1
    if any(lines[place:]):
        shown.append(CUT)
    return shown


def _find(lines: Sequence[str], words: str, place: int) -> int:
    found = next((n for n in range(place, len(lines)) if words in lines[n]), None)
    assert found is not None, f"{words!r} is not in what is quoted"
    return found


def _recorded(source: str) -> tuple[str | None, list[str]]:
    """Output as a block; a page in Markdown as a quote (None), as its reader sees it."""
    path = RECORDED / source
    return (None if path.suffix == ".md" else "console"), _lines(path.read_text(encoding="utf-8"))


def _file(source: str) -> tuple[str, list[str]]:
    path = ROOT / source
    return _LANGUAGES.get(path.suffix, "text"), _lines(path.read_text(encoding="utf-8"))


def _transcript(source: str) -> tuple[str, list[str]]:
    """A run of a real cluster: its command, what it printed, its exit code."""
    step = _steps()[source]
    ended = [] if step.exit_code is None else ["$ echo $?", str(step.exit_code)]
    return "console", [f"$ {step.command}", *_lines(step.stdout), *_lines(step.stderr), *ended]


_SOURCES = {"recorded": _recorded, "transcript": _transcript, "file": _file}


@cache
def _steps() -> dict[str, Step]:
    return {str(step): step for generation in ("gp4", "gp6") for step in recordings(generation)}


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]
