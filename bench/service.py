"""The approvals service, run as a person runs it, beside a Prefect server and a stand-in Slack."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench.cost import resident_mb
from blocks.slack_app import SlackApp
from flows.local_server import free_port, local_server
from gpmedic.practice.slack import PracticeSlack
from gpmedic.settings import CONFIG_VARIABLE

_COMMAND = "from gpmedic.cli import main; main()"
_CLUSTER = """
name = "bench"
database = {{ host = "nowhere.invalid" }}
ssh = {{ host = "nowhere.invalid" }}
greenplum = {{ home = "/gp", coordinator_data_directory = "/data" }}
slack = {{ channel = "{channel}", approvers = ["U0ANNA"] }}
"""
_WITHIN = 600.0


def resident_after(rounds: int) -> float:
    """MB that it holds after so many rounds over one cluster of which nothing is known.

    Raises:
        TimeoutError: they did not come within ten minutes.
    """
    with (
        tempfile.TemporaryDirectory(prefix="gpmedic-bench-") as folder,
        local_server(Path(folder)) as api,
        PracticeSlack() as workspace,
    ):
        SlackApp(
            bot_token=workspace.bot_token,
            app_token=workspace.app_token,
            signing_secret=workspace.signing_secret,
            api_url=workspace.api_url,
        ).save("bench", overwrite=True)
        clusters = Path(folder) / "clusters"
        clusters.mkdir()
        (clusters / "bench.toml").write_text(_CLUSTER.format(channel=workspace.new_channel()))
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, "approvals", "serve", "--app", "bench", "--metrics", f"127.0.0.1:{port}"],
            env={**os.environ, "PREFECT_API_URL": api, CONFIG_VARIABLE: str(clusters)},
            stdout=(log := (Path(folder) / "service.log").open("wb")),
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + _WITHIN
            while _rounds(port) < rounds:
                if process.poll() is not None or time.monotonic() > deadline:
                    said = Path(log.name).read_text(errors="replace")
                    raise TimeoutError(f"The service made {_rounds(port):.0f} rounds of {rounds}: {said[-2000:]}")
                time.sleep(0.5)
            return resident_mb(process.pid)
        finally:
            process.terminate()
            process.wait()
            log.close()


def _rounds(port: int) -> float:
    """How many it has done, as its own metrics tell."""
    try:
        page = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx.HTTPError:
        return 0
    done = (line for line in page.splitlines() if line.startswith("gpmedic_rounds_total{") and '"done"' in line)
    return sum(float(line.split()[-1]) for line in done)
