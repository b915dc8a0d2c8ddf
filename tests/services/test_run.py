"""What deployments/ describes runs: its very commands, from what the Dockerfile's build gives, on a real PostgreSQL."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from services.described import COMPOSE, DEPLOYMENTS, DOCKERFILE, ROOT, example, unit

from flows.local_server import free_port
from gpmedic.practice import PracticeCluster
from gpmedic.practice.slack import PracticeSlack
from tests.postgres_server import PASSWORD, postgres_server

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
LOGIN = "practice-login-3f2a"
UNTIL_READY = 120.0
"""Seconds."""


@dataclass
class Machine:
    """A machine on which gpmedic is installed as the descriptions say, below a folder of its own.

    Attributes:
        places: what stands in the descriptions -> what it is here.
    """

    folder: Path
    places: dict[str, str]
    said: dict[str, Path] = field(default_factory=dict)

    def here(self, text: str) -> str:
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text

    def environment(self, service: str) -> dict[str, str]:
        described = unit(service)
        secrets = {name: value for file in described.secrets for name, value in example(file).items()}
        settings = {name: self.here(value) for name, value in (described.environment | secrets).items()}
        home = self.folder / "var" / service
        home.mkdir(parents=True, exist_ok=True)
        inherited = {"PATH": f"{self.folder}/.venv/bin:{os.environ['PATH']}", "HOME": str(home)}
        return inherited | settings | {"HOME": str(home), "PREFECT_HOME": str(home)}

    @contextmanager
    def running(self, service: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the unit's command; ended by the signal that systemd sends, and it must obey."""
        self.said[service] = self.folder / f"{service}.log"
        command = [self.here(word) for word in unit(service).command]
        if service == "worker":  # Compose's own, so that its health check is tried too
            command = [command[0], *COMPOSE[service]["command"][1:]]
        environment = self.environment(service) | {
            name: self.here(value)
            for name, value in COMPOSE[service]["environment"].items()
            if name.startswith("PREFECT_WORKER_WEBSERVER")
        }
        with self.said[service].open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(60)  # TimeoutStopSec of the units
        finally:
            process.kill()
            process.wait()

    def call(self, *command: str, service: str = "worker", **changes: str) -> "subprocess.CompletedProcess[str]":
        program = f"{self.folder}/.venv/bin/{command[0]}"
        environment = self.environment(service) | changes
        return subprocess.run(
            [program, *command[1:]], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def healthy(self, service: str) -> bool:
        """What the health check of the container says."""
        kind, *command = (self.here(word) for word in COMPOSE[service]["healthcheck"]["test"])
        assert kind == "CMD"
        return self.call(*command).returncode == 0

    def wait_until(self, holds: Callable[[], bool], service: str) -> None:
        deadline = time.monotonic() + UNTIL_READY
        while not holds():
            assert time.monotonic() < deadline, self.said[service].read_text()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """gpmedic installed by the steps of the Dockerfile, a PostgreSQL, a cluster `production` with its Slack channel."""
    folder = tmp_path_factory.mktemp("machine")
    built(folder)
    with ExitStack() as stack:
        database = stack.enter_context(postgres_server())
        slack = stack.enter_context(PracticeSlack())
        cluster = stack.enter_context(PracticeCluster(f"services-{os.getpid()}", "6"))
        clusters = folder / "etc/clusters"
        clusters.mkdir(parents=True)
        settings = (cluster.folder / "cluster.toml").read_text()
        settings = settings.replace(f'name = "{cluster.name}"', 'name = "production"', 1)
        told = f'\n[slack]\nchannel = "{slack.new_channel()}"\napprovers = ["U0ANNA"]\n'
        (clusters / "production.toml").write_text(settings + told)
        (folder / "deployments").mkdir()
        (folder / "deployments/prefect.yaml").write_text((DEPLOYMENTS / "prefect.yaml").read_text())
        port, worker_port = free_port(), free_port()
        yield Machine(
            folder,
            {
                example("server.env")["PREFECT_SERVER_DATABASE_CONNECTION_URL"]: database.url,
                "LOGIN": LOGIN,
                ":4200": f":{port}",
                "4200": str(port),
                "4280": str(worker_port),
                "/etc/gpmedic": str(folder / "etc"),
                "/opt/gpmedic": str(folder),
                "/tmp/ui": str(folder / "ui"),  # noqa: S108 (the name in the unit, whose /tmp is its own)
                "slack-of-the-test": slack.api_url,
                "bot-token": slack.bot_token,
                "app-token": slack.app_token,
            },
        )


def built(folder: Path) -> None:
    """Follow the Dockerfile's first stage: what it copies, and what it runs to install."""
    for line in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            (folder / source).symlink_to(ROOT / source)
    uv = Path(sys.executable).parent / "uv"
    environment = {**os.environ, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    for arguments in re.findall(r"^RUN uv (.*)$", DOCKERFILE, re.MULTILINE):
        subprocess.run([uv, *arguments.split()], cwd=folder, env=environment, check=True, capture_output=True)
    for source in ("gpmedic", "blocks", "tasks", "flows", "pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        (folder / source).unlink()  # the second stage takes the virtual environment alone


def test_the_services_run_as_described_and_let_nobody_in_without_the_login(machine: Machine) -> None:
    assert not (machine.folder / ".venv/bin/pytest").exists(), "the image holds no tools of development"
    with machine.running("server") as server:
        machine.wait_until(lambda: machine.healthy("server"), "server")
        url = machine.environment("worker")["PREFECT_API_URL"]
        for path in ("admin/settings", "block_types/slug/secret", "csrf-token?client=a-stranger"):
            for login in (None, ("gpmedic", "wrong")):
                assert httpx.get(f"{url}/{path}", auth=login, timeout=10).status_code == 401, path
        no_token = httpx.post(f"{url}/flows/", json={"name": "forged"}, auth=("gpmedic", LOGIN), timeout=10)
        assert (no_token.status_code, "CSRF" in no_token.text) == (403, True)
        assert httpx.get(url.removesuffix("/api"), timeout=10, follow_redirects=True).status_code == 200, "the page"
        with machine.running("worker"):
            machine.wait_until(lambda: machine.healthy("worker"), "worker")
            deployed = machine.call(*COMPOSE["deploy"]["command"])
            assert deployed.returncode == 0, deployed.stdout + deployed.stderr
            ran = machine.call("prefect", "deployment", "run", "health-check/health-check", "--watch")
            assert ran.returncode == 0, ran.stdout + ran.stderr + machine.said["worker"].read_text()
        asked = machine.call("gpmedic", "approve", "production", "--yes")
        assert asked.returncode == 2
        assert "No recovery of production waits for an answer on the Prefect server" in asked.stderr
        refused = machine.call("gpmedic", "approve", "production", "--yes", PREFECT_API_AUTH_STRING="gpmedic:wrong")
        assert refused.returncode == 2
        assert "has refused this call (401)" in refused.stderr
        assert "Next: Set PREFECT_API_AUTH_STRING" in refused.stderr
        refused = machine.call("gpmedic", "serve", PREFECT_API_AUTH_STRING="gpmedic:wrong")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "has refused this call (401)" in refused.stderr
        the_service_of_approvals(machine)
        assert no_secret_is_on_a_command_line()
    said = machine.said["server"].read_text()
    assert server.returncode in (0, -signal.SIGTERM), said
    assert "Traceback" not in said, said
    for service, log in machine.said.items():
        assert not any(secret in log.read_text() for secret in (LOGIN, PASSWORD)), service


def the_service_of_approvals(machine: Machine) -> None:
    save = "from blocks.slack_app import SlackApp as A; A(bot_token='{}', app_token='{}', api_url='{}').save('gpmedic')"
    words = (machine.here(word) for word in ("bot-token", "app-token", "slack-of-the-test"))
    saved = machine.call("python", "-c", save.format(*words))
    assert saved.returncode == 0, saved.stderr
    with machine.running("approvals") as approvals:
        said = machine.said["approvals"]
        serving = "Serving production as U0GPMEDIC, through Socket Mode."
        machine.wait_until(lambda: serving in said.read_text(), "approvals")
    assert (approvals.returncode, said.read_text().splitlines()[-1]) == (0, "Ended.")


def no_secret_is_on_a_command_line() -> bool:
    lines = b""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines += process.read_bytes()
        except OSError:
            continue
    return not any(secret.encode() in lines for secret in (LOGIN, PASSWORD))
