"""`gpmedic approvals serve`, as a process of its own: it ends when told, and no token of it is to be seen anywhere."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from approvals.conftest import cluster, recovery
from typer.testing import CliRunner

from blocks.slack_app import SlackApp, load_app
from flows.local_server import free_port
from gpmedic.cli import app as app_of_commands
from gpmedic.errors import GpmedicError
from gpmedic.practice.slack import PracticeSlack
from gpmedic.practice.slack.state import Posted
from gpmedic.settings import CONFIG_VARIABLE, ClusterSettings
from gpmedic.slack import messages
from tasks.approve import Needed

SERVE = "from gpmedic.cli import main; main()"


def written(settings: ClusterSettings) -> str:
    """As a cluster's file."""
    assert settings.slack is not None
    return f"""
name = "{settings.name}"
database = {{ host = "nowhere.invalid" }}
ssh = {{ host = "nowhere.invalid" }}
greenplum = {{ home = "/gp", coordinator_data_directory = "/data" }}
policy = {{ automation = "with_approval" }}
slack = {{ channel = "{settings.slack.channel}", approvers = {sorted(settings.slack.approvers)} }}
"""


@pytest.fixture
def app(workspace: PracticeSlack, prefect_server: str) -> Iterator[SlackApp]:
    block = SlackApp(
        bot_token=workspace.bot_token,
        app_token=workspace.app_token,
        signing_secret=workspace.signing_secret,
        api_url=workspace.api_url,
    )
    block.save("serve-test", overwrite=True)
    yield block
    SlackApp.delete("serve-test")


def serve(server: str, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, "approvals", "serve", "--app", "serve-test", *arguments],
        env={**os.environ, "PREFECT_API_URL": server, CONFIG_VARIABLE: str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def everything_that_prefect_shows(server: str) -> str:
    """Logs, artifacts, variables, inputs of runs and events, as anybody may read them."""
    shown = []
    since = {"occurred": {"since": (datetime.now(UTC) - timedelta(minutes=10)).isoformat()}}
    for what, query in (
        ("logs", {"limit": 200, "sort": "TIMESTAMP_DESC"}),
        ("artifacts", {"limit": 200}),
        ("variables", {"limit": 200}),
        ("flow_runs", {"limit": 200}),
        ("block_documents", {"limit": 200}),
        ("events", {"filter": since}),
    ):
        shown.append(httpx.post(f"{server}/{what}/filter", json=query, timeout=30).raise_for_status().text)
    for run in json.loads(shown[3]):
        found = httpx.post(f"{server}/flow_runs/{run['id']}/input/filter", json={"prefix": "", "limit": 50}, timeout=30)
        shown.append(found.text)
    return "\n".join(shown)


def test_the_service_decides_ends_when_told_and_no_token_is_seen_anywhere(
    workspace: PracticeSlack, prefect_server: str, app: SlackApp, tmp_path: Path
) -> None:
    settings = cluster(workspace)
    (tmp_path / f"{settings.name}.toml").write_text(written(settings))
    port = free_port()
    service = serve(prefect_server, tmp_path, "--metrics", f"127.0.0.1:{port}")
    try:
        assert service.stdout is not None
        serving = f"Serving {settings.name} as U0GPMEDIC, through Socket Mode.\n"
        assert serving in iter(service.stdout.readline, "")
        with ThreadPoolExecutor(1) as one:
            run = one.submit(copy_context().run, recovery, settings.name, "recover", Needed.ONE_PERSON, 60.0)
            workspace.click(workspace.wait_for(lambda: _question(workspace, settings), 30), messages.APPROVE)
            assert run.result(60) is not None
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        assert f'gpmedic_last_round_timestamp_seconds{{cluster="{settings.name}"}}' in metrics
        command_lines = b"".join(p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists())
        workspace.wait_for(lambda: [m for m in workspace.messages if m.files and settings.name in m.files[0]], 30)
        service.send_signal(signal.SIGTERM)
        said, _ = service.communicate(timeout=20)
        assert service.returncode == 0, said
        assert said.endswith("Ended.\n")
    finally:
        service.kill()
        service.wait()
    files = b"".join(workspace.files.values())
    everywhere = said + metrics + everything_that_prefect_shows(prefect_server) + workspace.transcript()
    for secret in (workspace.bot_token, workspace.app_token, workspace.signing_secret):
        assert secret not in everywhere
        assert secret.encode() not in files + command_lines


def _question(workspace: PracticeSlack, settings: ClusterSettings) -> Posted | None:
    assert settings.slack is not None
    own = (m for m in workspace.messages if m.channel == settings.slack.channel and messages.APPROVE in m.buttons)
    return next(own, None)


def invoked(folder: Path, *arguments: str, given: str = "") -> str:
    """What the command says in this process, whose Prefect settings are those of the session."""
    done = CliRunner().invoke(
        app_of_commands, ["approvals", *arguments], input=given, env={CONFIG_VARIABLE: str(folder)}
    )
    assert done.exception is None or isinstance(done.exception, GpmedicError), done.output
    return f"{done.output}{done.exception or ''}"


@pytest.mark.parametrize(
    ("arguments", "file", "told"),
    [
        ((), "", "No [slack] stands in the settings of any registered cluster."),
        (("--app", "missing"), "slack", "There is no block gpmedic-slack-app/missing"),
        (("--http", "nowhere"), "slack", "--http nowhere is no HOST:PORT."),
        (("--metrics", "9100"), "slack", "--metrics 9100 is no HOST:PORT."),
        (("unknown",), "", "No cluster 'unknown' is known here"),
    ],
)
def test_what_is_missing_is_one_line_with_the_next_action(
    workspace: PracticeSlack, app: SlackApp, tmp_path: Path, *, arguments: tuple[str, ...], file: str, told: str
) -> None:
    if file:
        settings = cluster(workspace)
        (tmp_path / f"{settings.name}.toml").write_text(written(settings))
    said = invoked(tmp_path, "serve", "--app", "serve-test", *arguments)
    assert told in said
    assert "Next: " in said


def test_an_approver_whom_slack_does_not_know_is_named_before_anything_is_served(
    workspace: PracticeSlack, app: SlackApp, tmp_path: Path
) -> None:
    settings = cluster(workspace, approvers={"U0NOBODY"})
    (tmp_path / f"{settings.name}.toml").write_text(written(settings))
    said = invoked(tmp_path, "serve", "--app", "serve-test")
    assert f"The approver U0NOBODY of {settings.name} is not known" in said
    assert "Serving" not in said


def test_connect_tries_the_tokens_saves_them_and_shows_none(
    workspace: PracticeSlack, prefect_server: str, tmp_path: Path
) -> None:
    asked = ("connect", "--app", "connect-test", "--api-url", workspace.api_url)
    assert "no click can come back; nothing was saved" in invoked(tmp_path, *asked, given="xoxb-wrong\n\n\n")
    wrong = invoked(tmp_path, *asked, given="xoxb-wrong\nxapp-wrong\n\n")
    assert "Slack refuses auth.test: invalid_auth. Next: Check the app's token" in wrong
    assert "xoxb-wrong" not in wrong
    wrong = invoked(tmp_path, *asked, given=f"{workspace.bot_token}\nxapp-wrong\n\n")
    assert "Slack refuses apps.connections.open: invalid_auth (the app-level token)" in wrong
    assert "xapp-wrong" not in wrong
    said = invoked(tmp_path, *asked, given=f"{workspace.bot_token}\n{workspace.app_token}\n\n")
    assert "Slack knows the app as U0GPMEDIC; saved as block gpmedic-slack-app/connect-test." in said
    assert workspace.bot_token not in said
    saved = load_app("connect-test")
    assert saved.bot_token.get_secret_value() == workspace.bot_token
    assert saved.app_token is not None
    assert saved.signing_secret is None
    SlackApp.delete("connect-test")
