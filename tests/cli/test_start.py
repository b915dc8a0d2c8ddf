"""What the command line needs to start, and what the shell completes: neither imports what only a command needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gpmedic.cli import app
from gpmedic.cli.commands import COMMANDS, loaded
from gpmedic.practice.drills import DRILLS

HEAVY = {"prefect", "paramiko", "psycopg2", "httpx", "asyncssh"}
START = (
    "import atexit, os, sys\n"
    "sys.argv[0] = 'gpmedic'\n"  # by which typer knows what is completed
    f"atexit.register(lambda: print('LOADED', *sorted({HEAVY | {'pydantic', 'rich'}} & sys.modules.keys()), "
    "file=sys.stderr))\n"
    "from gpmedic.cli import main\n"
    "main()"
)


def run(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """What is printed, and which of the heavy packages were imported for it."""
    done = subprocess.run(
        [sys.executable, "-c", START, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1].split()
    assert last[0] == "LOADED", done.stderr
    return done.stdout, set(last[1:])


def test_the_help_imports_none_of_what_a_command_needs() -> None:
    shown, imported = run("--help")
    assert imported == set()
    assert all(name in shown for name in COMMANDS)
    assert "..." not in shown.replace("[ARGS]...", ""), "each command's help fits into its line"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_row_of_the_table_is_a_command_with_its_help(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f" {name} [OPTIONS]" in shown.output.splitlines()[0]


def complete(words: str, shell: str, **environment: str) -> tuple[str, set[str]]:
    asked = {
        "_GPMEDIC_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    asked |= {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return run(**environment, **asked)


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", "gpmedic brake show s", ("sales", "stock")),
        ("zsh", "gpmedic practice break kill_m", ("kill_mirror", "the mirror dies")),
        ("fish", "gpmedic drill ", tuple(DRILLS)),
        ("bash", "gpmedic practice up --generation ", ("4.3", "6", "7")),
    ],
)
def test_the_shell_completes_what_there_is(shell: str, words: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("sales", "stock", "hr"):
        (tmp_path / f"{name}.toml").touch()
    shown, imported = complete(words, shell, GPMEDIC_CLUSTERS=str(tmp_path))
    assert all(word in shown for word in expected)
    assert "hr" not in shown.split()
    assert not imported & HEAVY


@pytest.mark.parametrize("command", ["watch", "status", "plan", "recover", "approve", "reject", "doctor", "serve"])
def test_every_command_that_takes_a_cluster_completes_its_name(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPMEDIC_CLUSTERS", str(tmp_path))
    (tmp_path / "sales.toml").touch()
    group = get_command(app)
    with group.make_context("gpmedic", [command], resilient_parsing=True) as context:
        taken = loaded(command)
        argument = next(p for p in taken.params if p.param_type_name == "argument")
        assert [item.value for item in argument.shell_complete(context, "sa")] == ["sales"]
