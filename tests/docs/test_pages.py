"""Nothing is shown that was not seen: every block, command, setting, link and file of the documents is held to it."""

import re
import tomllib
from pathlib import Path

import pytest

from gpmedic.practice.drills import DRILLS
from gpmedic.settings import ClusterSettings
from tests.docs import settings_reference
from tests.docs.commands import fault_of, leaves, shown_commands
from tests.docs.pages import DOCS, RECORDED, ROOT, blocks, other_documents, pages, prose, quoted, rendered
from tests.docs.scenarios import SCENARIOS

PAGES = pages()
ALL = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
MAKEFILE = (ROOT / "Makefile").read_text()
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.M)
_CODE = re.compile(r"`([^`\n]+)`")
_FOLDERS = tuple(sorted(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")))
of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
of_each_document = pytest.mark.parametrize(
    "page", (*PAGES, *other_documents()), ids=lambda page: str(page.relative_to(ROOT))
)


@of_each_page
def test_what_stands_between_markers_is_what_was_recorded(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert rendered(text) == text, "make pages"


@of_each_page
def test_every_output_is_between_markers(page: Path) -> None:
    """What a person types may stand without: those commands are tried by the next test."""
    for block in blocks(page):
        assert block.marked or block.language in {"sh", "toml"}, block


@of_each_document
def test_every_command_is_one_of_the_real_command_line(page: Path) -> None:
    assert [(c, why) for c in shown_commands(page) if (why := fault_of(c))] == []


@of_each_document
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in (found["target"] for found in _LINK.finditer(prose(page))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), target


@of_each_document
def test_every_file_and_every_setting_that_is_named_exists(page: Path) -> None:
    settings = settings_reference.setting_names()
    sections = {name.partition(".")[0] for name in settings if "." in name}
    for word in _CODE.findall(prose(page)):
        if word.startswith(_FOLDERS) and not re.search(r"[ {]", word):
            assert list(ROOT.glob(word.partition("::")[0].rstrip("/"))), word
        section, _, name = word.partition(" ")[0].partition(".")
        if section in sections and re.fullmatch(r"\w+", name):
            assert f"{section}.{name}" in settings, word


@of_each_document
def test_the_targets_of_make_exist(page: Path) -> None:
    for target in re.findall(r"(?:`|^|\$ )make ([a-z]+)", page.read_text(encoding="utf-8"), re.M):
        assert re.search(rf"^{target}:", MAKEFILE, re.M), target


@of_each_page
def test_examples_of_settings_are_valid(page: Path) -> None:
    whole: dict[str, object] = {}
    for example in (tomllib.loads(block.text) for block in blocks(page) if block.language == "toml"):
        whole = example if "name" in example else {**(whole or _EXAMPLE), **example}
        ClusterSettings.model_validate(whole)


def test_the_reference_of_settings_is_that_of_the_models() -> None:
    text = settings_reference.PAGE.read_text(encoding="utf-8")
    assert settings_reference.renewed(text) == text, "make pages"


@pytest.mark.parametrize("command", [*leaves(), "gpmedic recover --yes", "GPMEDIC_CLUSTERS"])
def test_the_documents_name_every_command(command: str) -> None:
    assert re.search(rf"(^|`|\$ ){command}\b", ALL, re.MULTILINE)


def test_every_drill_is_named() -> None:
    (sentence,) = re.findall(r"scenarios (.*?), generations", ALL, re.DOTALL)
    assert set(re.findall(r"`([a-z-]+)`", sentence)) == set(DRILLS)


def test_every_recording_is_played_and_every_page_of_a_scenario_shows_its_own() -> None:
    folders = {folder.name for folder in RECORDED.iterdir()}
    assert folders == {*SCENARIOS, "drill"}
    for page in (DOCS / "scenarios").glob("*.md"):
        assert f"recorded: {page.stem}/" in page.read_text(encoding="utf-8"), page
        assert f"../recorded/{page.stem}/picture.svg" in page.read_text(encoding="utf-8"), page


def test_what_was_recorded_is_shown() -> None:
    for part in (*RECORDED.rglob("*.txt"), *RECORDED.rglob("*.md")):
        assert str(part.relative_to(RECORDED)) in ALL, part


def test_a_page_of_every_scenario_is_in_the_table_of_contents() -> None:
    contents = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.md")):
        if RECORDED not in page.parents and page.name != "README.md":
            assert f"({page.relative_to(DOCS)})" in contents, page


def test_the_architecture_fits_on_its_pages() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) < 150


def test_a_quote_that_is_not_in_the_recording_is_an_error() -> None:
    assert quoted(["a", "b", "c"], ["b"]) == ["...", "b", "..."]
    with pytest.raises(AssertionError, match="is not in what is quoted"):
        quoted(["a", "b"], ["b", "a"])


def test_a_command_or_option_that_does_not_exist_is_an_error() -> None:
    assert fault_of("gpmedic recover sales --yes") is None
    assert "No such option" in str(fault_of("gpmedic recover sales --force"))
    assert "no command" in str(fault_of("gpmedic repair sales"))
    assert "no fault" in str(fault_of("gpmedic practice break kill_everything"))


_EXAMPLE = {
    "name": "sales",
    "database": {"host": "mdw"},
    "ssh": {"host": "mdw"},
    "greenplum": {"home": "/usr/local/greenplum-db", "coordinator_data_directory": "/data/master/gpseg-1"},
}


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose(page) if page.suffix == ".md" else "")
    }
