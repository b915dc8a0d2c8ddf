"""What a person does on Prefect's page, in the words of docs/prefect-page.md."""

import re
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from PIL import Image
from playwright.sync_api import Locator, Page, expect

PATIENCE: Final = 240_000.0
"""Milliseconds. A page takes a second; on a machine that does much else, minutes."""
HEARD_WITHIN: Final = 20_000.0
"""Milliseconds in which a page that has heard a click shows it."""
_HAND_TO_THE_BUTTON: Final = 1_000.0
"""Milliseconds: the form knows a moment late what was written."""
_NAMED = """([from, to]) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(from, to);
}"""


@dataclass
class Person:
    """Sits before the browser.

    Attributes:
        api: the server's address for programs, by which the test finds runs.
        pictures: the folder into which pictures go.
        host: the name of this machine, which no picture shows.
        elsewhere: addresses outside the server that the page has called; there should be none.
    """

    page: Page
    api: str
    pictures: Path
    host: str
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        expect.set_options(timeout=PATIENCE)
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != urlsplit(self.api).netloc:
            self.elsewhere.append(url)

    @property
    def home(self) -> str:
        return self.api.removesuffix("/api")

    def opens(self, *names: str) -> None:
        """Begin at the page's address, then click through the links of these names."""
        self.page.goto(self.home)
        for name in names:
            self.page.get_by_role("link", name=name, exact=True).first.click()

    def opens_run(self, run: str) -> None:
        self.page.goto(f"{self.home}/v2/runs/flow-run/{run}")
        expect(self.page.get_by_role("button", name="Open menu")).to_be_visible()

    def opens_artifact(self, key: str) -> Locator:
        """The newest of this key."""
        self.page.goto(f"{self.home}/v2/artifacts/key/{key}")
        self.page.locator("a[href*='/artifacts/artifact/']").first.click()
        return self.page.get_by_role("main")

    def opens_form_of(self, deployment: str) -> None:
        """The form that starts a run."""
        self.opens("Deployments", deployment)
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()
        expect(self.page.get_by_text("Enforce Parameter Schema")).to_be_visible()

    def submits(self) -> None:
        """Start the run; the form goes."""
        _press(self.page.get_by_role("button", name="Submit"))

    def reads_question(self) -> Locator:
        """The form of a run that waits for an answer."""
        self.page.get_by_role("button", name="Open menu").click()
        self.page.get_by_role("menuitem", name="Resume").click()
        return self._question()

    def reads_question_on_the_older_page(self, run: str) -> Locator:
        """The same, on the page to which Prefect's own links lead."""
        self.page.goto(f"{self.home}/runs/flow-run/{run}")
        self.page.get_by_role("button", name="Resume").click()
        return self._question()

    def _question(self) -> Locator:
        question = self.page.get_by_role("dialog")
        expect(question.get_by_text("Answer until")).to_be_visible()
        expect(question.get_by_role("textbox")).to_have_count(3)
        return question

    def yes_to(self, question: Locator) -> str:
        """What the form wants written for a yes to this question."""
        wanted = re.search(r"Write (yes [0-9a-f]{4})", words(question.inner_text()))
        assert wanted is not None, question.inner_text()
        return wanted[1]

    def answers(self, question: Locator, decision: str, name: str, why: str) -> None:
        """Fill in the form, without sending it."""
        fields = question.get_by_role("textbox")
        for place, said in enumerate((decision, name, why)):
            fields.nth(place).fill(said)
        self.page.wait_for_timeout(_HAND_TO_THE_BUTTON)

    def sends(self, question: Locator) -> None:
        _press(question.get_by_role("button", name=re.compile("^(Resume|Submit)$")))

    def takes_picture(self, name: str, of: Locator | None = None) -> None:
        """Keep what is seen as NAME.png; a narrow page, so that it is legible in a document."""
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate(_NAMED, [f"gpmedic-host:{self.host}", "gpmedic-host:worker1"])
        seen = Image.open(BytesIO((of or self.page).screenshot(animations="disabled")))
        # Few colours: a third of the bytes, and as legible.
        seen.convert("RGB").quantize(64).save(self.pictures / f"{name}.png", optimize=True)

    def asks(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the server's API answers."""
        return httpx.post(f"{self.api}{path}", json=body or {}, timeout=60).raise_for_status().json()

    def newest_run(self, deployment: str) -> dict[str, Any]:
        """The newest run of the deployment of this name, as the API gives it, without those that are still to come."""
        begun = {"state": {"type": {"not_any_": ["SCHEDULED"]}}}
        wanted = {
            "deployments": {"name": {"any_": [deployment]}},
            "flow_runs": begun,
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 1,
        }
        found: list[dict[str, Any]] = self.asks("/flow_runs/filter", wanted)
        return found[0] if found else {"id": "", "state_name": "None", "state": {}}


def _press(button: Locator) -> None:
    """Press what sends a form; once more where the form still thinks of what was missing when it last looked."""
    button.click()
    try:
        expect(button).to_be_hidden(timeout=HEARD_WITHIN)
    except AssertionError:
        button.click()
        expect(button).to_be_hidden()


def words(text: str) -> str:
    """The text on one line."""
    return re.sub(r"\s+", " ", text)
