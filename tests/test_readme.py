"""What the documents show exists: commands, targets of make, files, settings."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gpmedic.cli import app
from gpmedic.cli.commands import COMMANDS as COMMAND_TABLE
from gpmedic.cli.commands import loaded
from gpmedic.practice.drills import DRILLS
from gpmedic.practice.fault import Fault
from gpmedic.settings import ClusterSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for tag, text in FENCED if tag == language]


COMMANDS = sorted(set(re.findall(r"^(gpmedic [^#\n]*\w)", "\n".join(blocks("")), re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_exists_with_its_options(command: str) -> None:
    words = command.split()[1:]
    depth = 2 if words[0] == "practice" else 1
    shown = CliRunner().invoke(app, [*words[:depth], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.output
    if words[:2] == ["practice", "break"]:
        assert words[2] in list(Fault)


def leaves(command: object, path: str = "gpmedic") -> Iterator[str]:
    children = getattr(command, "commands", None)
    if path == "gpmedic":
        children = {name: loaded(name) for name in COMMAND_TABLE}
    if children is None:
        yield path
        return
    for name, child in children.items():
        yield from leaves(child, f"{path} {name}")


@pytest.mark.parametrize("command", [*leaves(get_command(app)), "gpmedic recover --yes", "GPMEDIC_CLUSTERS"])
def test_the_readme_names_every_command(command: str) -> None:
    assert re.search(rf"(^|`){command}\b", README, re.MULTILINE)


def test_the_targets_of_make_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`?make ([a-z]+)", README))
    assert {"drill", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_scenarios_of_the_readme_are_the_drills() -> None:
    (sentence,) = re.findall(r"scenarios (.*?), generations", README, re.DOTALL)
    assert set(re.findall(r"`([a-z-]+)`", sentence)) == set(DRILLS)


def test_the_example_of_a_cluster_is_valid() -> None:
    example, in_slack = blocks("toml")
    assert ClusterSettings.model_validate(tomllib.loads(example)).name == "sales"
    assert ClusterSettings.model_validate(tomllib.loads(example + in_slack)).slack is not None


def test_the_recorded_drill_ends_with_equal_rows() -> None:
    recorded = README.partition("<!-- drill: begin -->")[2].partition("<!-- drill: end -->")[0]
    assert recorded.rstrip().removesuffix("```").rstrip().endswith("Rows before / after: equal")


def test_the_architecture_fits_on_its_pages_and_names_files_that_exist() -> None:
    assert len(ARCHITECTURE.splitlines()) < 150
    named = re.findall(r"`((?:gpmedic|blocks|tasks|flows|tests|deployments)/[\w./*-]*)`", ARCHITECTURE)
    assert named
    for path in named:
        assert list(ROOT.glob(path.rstrip("/"))), path
