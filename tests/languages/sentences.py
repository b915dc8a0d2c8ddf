"""The sentences of gpmedic, as they stand in its sources: what a translation must know."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# What nobody reads in an incident's report, approval or thread, with why.
UNREAD = {
    "gpmedic/practice/": "the practice cluster says what Greenplum says",
    "gpmedic/cli/": "the terminal speaks English",
    "gpmedic/doctor.py": "read in the terminal, before any incident",
    "gpmedic/access/doctor.py": "read in the terminal, before any incident",
    "gpmedic/approvals/doctor.py": "read in the terminal, before any incident",
    "gpmedic/access/discover.py": "read in the terminal, before any incident",
    "gpmedic/access/cluster_file.py": "read in the terminal, before any incident",
    "gpmedic/access/known_hosts.py": "read in the terminal, before any incident",
    "gpmedic/settings.py": "read in the terminal, before any incident",
    "gpmedic/recovery_config": "of a file that a person has written, in the terminal",
    "gpmedic/picture_text.py": "drawn in the terminal",
    "gpmedic/picture_condensed.py": "drawn in the terminal",
    "gpmedic/live": "drawn in the terminal",
    "gpmedic/training.py": "asked in the terminal",
    "gpmedic/report_json.py": "for programs",
    "gpmedic/recovery_json.py": "for programs",
    "gpmedic/json_shapes.py": "for programs",
    "gpmedic/approvals/metric": "for programs",
    "gpmedic/approvals/http.py": "for programs",
    "gpmedic/approvals/clicks.py": "for programs",
    "gpmedic/access/slack.py": "in the service's log: Slack is away",
    "gpmedic/access/facts.py": "scripts, and what they print",
    "gpmedic/access/job.py": "scripts, and what they print",
    "gpmedic/access/environment.py": "scripts, and what they print",
    "gpmedic/access/evidence.py": "headings of what was printed",
    "gpmedic/access/host_file.py": "scripts, and what they print",
    "gpmedic/catalog.py": "SQL",
    "gpmedic/masking.py": "patterns",
    "gpmedic/picture_svg.py": "SVG",
    "gpmedic/gpstate": "what gpstate prints",
    "gpmedic/gprecoverseg": "what gprecoverseg prints",
    "gpmedic/gpinitstandby.py": "what gpinitstandby prints",
    "gpmedic/gpstop_lines.py": "what gpstop and gpstart print",
    "gpmedic/utility_log.py": "what utilities print",
    "gpmedic/amounts.py": "units are the same in every language",
    "gpmedic/languages/": "the mechanism itself",
    "flows/deployed.py": "read in the terminal, before any incident",
    "flows/deployments.py": "read in the terminal, before any incident",
    "flows/local_server.py": "read in the terminal",
    "flows/program.py": "read in the terminal",
    "flows/serving.py": "read in the terminal",
}
_UNSHOWN_CALLS = {"Field", "compile", "RuntimeError", "ValueError", "TypeError", "getLogger", "warning", "exception"}
_UNSHOWN_SHAPE = re.compile(r"\\[swdS.]|\(\?|^\^|\n|^SELECT |^FROM |\$\w|^<|xmlns")  # patterns, scripts, SQL
_PLACE = re.compile(r"\{[^{}]*\}")


def sentences() -> dict[str, str]:
    """Every sentence, with its places as {0}, {1} ..., and the module that says it."""
    found: dict[str, str] = {}
    for module, path in modules():
        for sentence in _of(ast.parse(path.read_text())):
            found.setdefault(sentence, module)
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("gpmedic", "tasks", "flows"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if not name.startswith(tuple(UNREAD)):
                yield name, path


def _of(tree: ast.Module) -> Iterator[str]:
    hidden = set(_hidden(tree))
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            text = _text(node)
            if _is_sentence(text):
                yield text
        elif isinstance(node, ast.Call) and _called(node) == "Table":
            yield from (c.value for c in ast.walk(node.args[0]) if isinstance(c, ast.Constant) and len(c.value) > 1)


def _hidden(tree: ast.Module) -> Iterator[int]:
    """Docstrings, arguments of what shows nothing, and the parts of f-strings, which are read as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield from (id(e.value) for e in node.body if isinstance(e, ast.Expr))
        elif isinstance(node, ast.Call) and _called(node) in _UNSHOWN_CALLS:
            yield from (id(inner) for inner in ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.Constant):
                    yield id(part)
                elif isinstance(part, ast.FormattedValue) and part.format_spec is not None:
                    yield from (id(inner) for inner in ast.walk(part.format_spec))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    shown, places = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            shown += part.value
        else:
            shown += f"{{{places}}}"
            places += 1
    return shown


def _is_sentence(text: str) -> bool:
    """Words with a blank between or beside them; a single word may be a key, and is listed by its table or enum."""
    fixed = _PLACE.sub("", text)
    words = re.search(r"[A-Za-z]{2,}", fixed) is not None and " " in fixed
    return words and _UNSHOWN_SHAPE.search(text) is None
