"""What deployments/ describes holds together; `make lint` has its own linters read it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from services.described import COMPOSE, DEPLOYMENTS, DOCKERFILE, OURS, ROOT, UNITS, example, unit

from tests.test_packaging import PACKAGES

BOTH = ("server", "worker", "approvals")
ONLY_COMPOSE_ARGUMENTS = {"--with-healthcheck"}
# Where Compose and systemd mean different things on purpose: addresses of containers, folders, the health check.
APART = {
    *("HOME", "PREFECT_HOME", "PREFECT_API_URL", "PREFECT_SERVER_API_HOST", "PYTHONUNBUFFERED"),
    *("PREFECT_WORKER_WEBSERVER_HOST", "PREFECT_WORKER_WEBSERVER_PORT"),
}
SYSTEMD_TARGETS = ("sysinit", "basic", "shutdown", "network-online", "multi-user")


@pytest.mark.parametrize("service", BOTH)
def test_compose_and_systemd_start_the_same_command_with_the_same_settings(service: str) -> None:
    described, own = COMPOSE[service], unit(service)
    command = [word for word in described["command"] if word not in ONLY_COMPOSE_ARGUMENTS]
    assert [Path(own.command[0]).name, *own.command[1:]] == command
    assert own.secrets == described["env_file"]
    settings = {name: value for name, value in described["environment"].items() if name not in APART}
    assert {name: value for name, value in own.environment.items() if name not in APART} == settings


@pytest.mark.parametrize("service", COMPOSE)
def test_a_container_is_confined_and_reachable_from_this_machine_alone(service: str) -> None:
    described = COMPOSE[service]
    assert described["read_only"]
    assert described["cap_drop"] == ["ALL"]
    assert "cap_add" not in described
    assert "privileged" not in described
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in described.get("ports", []))
    assert service in OURS or described["user"] == "postgres"
    assert re.findall(r"^USER (\d+)", DOCKERFILE, re.MULTILINE) == ["10001"]


@pytest.mark.parametrize("file", sorted(DEPLOYMENTS.glob("*.env.example")), ids=lambda file: str(file.name))
def test_secrets_stand_in_files_of_their_own_that_git_does_not_keep(file: Path) -> None:
    assert "deployments/*.env" in (ROOT / ".gitignore").read_text().splitlines()
    named = {name for described in COMPOSE.values() for name in described["env_file"]}
    assert file.name.removesuffix(".example") in named
    for name, value in example(file.name.removesuffix(".example")).items():
        assert "PASSWORD" in value or "LOGIN" in value, "a placeholder"
        assert all(name not in described["environment"] for described in COMPOSE.values())
        assert all(name not in unit(service).environment for service in BOTH)


def test_the_image_is_built_from_the_lock_by_the_same_uv_and_holds_every_package() -> None:
    pinned = re.findall(r"uv==[\d.]+", DOCKERFILE) + re.findall(r"uv==[\d.]+", (ROOT / "Makefile").read_text())
    assert len(pinned) == 2
    assert len(set(pinned)) == 1
    (synced, with_us) = re.findall(r"uv sync (.*)", DOCKERFILE)
    assert all(set(line.split()) >= {"--frozen", "--no-dev", "--no-editable"} for line in (synced, with_us))
    sources = [word for line in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()]
    sent = [line[1:] for line in (DEPLOYMENTS / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    assert sorted(sources) == sorted(sent)
    assert set(sources) >= {*PACKAGES, "uv.lock", "pyproject.toml"}
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze, of systemd, is not installed")
def test_systemd_finds_no_fault_in_the_units_and_little_that_they_expose(tmp_path: Path) -> None:
    installed = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS, installed)
    for target in SYSTEMD_TARGETS:
        (installed / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    units = sorted(file.name for file in UNITS.glob("*.service"))
    for name in units:
        program = tmp_path / unit(name.removeprefix("gpmedic-").removesuffix(".service")).command[0].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)
    done = analyze("verify", "--man=no", tmp_path, *units)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    # systemd's own scale, from 0 (confined) to 100: what it calls OK ends at 40.
    done = analyze("security", "--offline=true", "--threshold=20", tmp_path, *units)
    assert done.returncode == 0, done.stdout


def analyze(*arguments: "str | Path") -> "subprocess.CompletedProcess[str]":
    words = [f"--root={word}" if isinstance(word, Path) else word for word in arguments]
    return subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)
