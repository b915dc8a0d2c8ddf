"""The import directions of ARCHITECTURE.md, read from the source: a lower layer never imports a higher one."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the lowest layer to the highest; the first prefix that fits decides.
LAYERS = (
    ("gpmedic.access", 1),
    ("gpmedic.practice", 2),
    ("gpmedic.approvals", 6),
    ("gpmedic.cli", 7),
    ("gpmedic", 0),
    ("blocks", 3),
    ("tasks", 4),
    ("flows", 5),
)
IO_MODULES = {"psycopg2", "paramiko", "subprocess", "socket", "asyncio", "asyncssh"}
SOURCES = sorted(p for top in ("gpmedic", "blocks", "tasks", "flows") for p in (ROOT / top).rglob("*.py"))


def layer(module: str) -> int | None:
    return next((n for prefix, n in LAYERS if module == prefix or module.startswith(prefix + ".")), None)


def name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """Each imported module and whether the import stands at the top of the file."""
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        at_top = node in tree.body
        if isinstance(node, ast.Import):
            found += [(alias.name, at_top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [(node.module or "", at_top)]
            found += [(f"{node.module}.{alias.name}", at_top) for alias in node.names]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_imports_only_its_own_layer_or_lower_ones(path: Path) -> None:
    own = layer(name(path))
    assert own is not None
    too_high = [m for m, _ in imports(path) if (there := layer(m)) is not None and there > own]
    assert not too_high, f"{name(path)} reaches up to {too_high}"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_prefect_is_imported_only_by_flows_tasks_and_blocks(path: Path) -> None:
    if name(path).split(".")[0] in ("flows", "tasks", "blocks"):
        return
    lazily_allowed = layer(name(path)) == 7
    guilty = [m for m, at_top in imports(path) if m.split(".")[0] == "prefect" and not (lazily_allowed and not at_top)]
    assert not guilty, f"{name(path)} imports {guilty}"


@pytest.mark.parametrize("path", [p for p in SOURCES if layer(name(p)) == 0], ids=name)
def test_the_domain_does_no_input_or_output(path: Path) -> None:
    guilty = [m for m, _ in imports(path) if m.split(".")[0] in IO_MODULES]
    assert not guilty, f"{name(path)} imports {guilty}"
