"""A person at Prefect's page: a real browser, a server with its page, a practice cluster, and `gpmedic serve`."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.local_server import WebPage, local_server
from gpmedic.practice import PracticeCluster
from tests.browser.person import Person

BROWSER_VARIABLE = "GPMEDIC_BROWSER"
SCREENSHOTS_VARIABLE = "GPMEDIC_SCREENSHOTS"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
ROOT = Path(__file__).parents[2]
CLUSTER = "sales"


@pytest.fixture(scope="module")
def program() -> str:
    """The browser: $GPMEDIC_BROWSER, else what is in PATH."""
    named = os.environ.get(BROWSER_VARIABLE)
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: install chromium, or set {BROWSER_VARIABLE} to one")
    return found


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clusters")


@pytest.fixture(scope="module")
def practice(program: str, clusters: Path) -> Iterator[PracticeCluster]:
    """A practice cluster that is registered as `sales`: its name is in pictures."""
    with PracticeCluster(f"browser-{os.getpid()}", "6") as cluster:
        settings = (cluster.folder / "cluster.toml").read_text()
        (clusters / f"{CLUSTER}.toml").write_text(
            settings.replace(f'name = "{cluster.name}"', f'name = "{CLUSTER}"', 1)
        )
        yield cluster


@pytest.fixture(scope="module")
def server(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own: the one of the session has no page, and what is deployed here must not be met by others."""
    with local_server(tmp_path_factory.mktemp("prefect"), page=WebPage.SHOWN) as url:
        yield url


@pytest.fixture(scope="module")
def serving(server: str, practice: PracticeCluster, clusters: Path) -> Iterator[None]:
    """`gpmedic serve`: it makes the deployments, and runs what is started on the page."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from gpmedic.cli import main; main()", "serve"],
        cwd=ROOT,
        env={
            **os.environ,
            "PREFECT_API_URL": server,
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PREFECT_HOME": str(clusters / "prefect"),
            "GPMEDIC_CLUSTERS": str(clusters),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for line in iter(process.stdout.readline, ""):
            said.append(line)
            if line.startswith("Serving"):
                break
        else:
            pytest.fail("".join(said))
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def person(program: str, server: str, serving: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Who looks at the page. Pictures of it go to $GPMEDIC_SCREENSHOTS, which `make browser` sets to docs/images."""
    from playwright.sync_api import sync_playwright

    pictures = Path(os.environ.get(SCREENSHOTS_VARIABLE) or tmp_path_factory.mktemp("pictures")).resolve()
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to start for root, and shows nothing but a page of this machine here.
        # Without a graphics card what turns on the page would cost a core all the time.
        browser = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=os.geteuid() != 0, args=["--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        yield Person(page, server, pictures, socket.gethostname())
        browser.close()
