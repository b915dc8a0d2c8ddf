"""A deadline for a command, with what a host has for it: a timeout of today, that of RHEL 6, or perl alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gpmedic.access.scripts import script

OLD = """#!/bin/sh
case $1 in -k) echo "timeout: invalid option -- 'k'" >&2; exit 125 ;; esac
exec {timeout} "$@"
"""


@pytest.fixture(params=["today", "RHEL 6", "perl alone"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The PATH of such a host."""
    for name in ("sleep", "echo", "cat", "true", "perl"):
        (tmp_path / name).symlink_to(shutil.which(name) or pytest.skip(f"this machine has no {name}"))
    timeout = shutil.which("timeout") or pytest.skip("this machine has no timeout")
    if request.param == "today":
        (tmp_path / "timeout").symlink_to(timeout)
    if request.param == "RHEL 6":
        (tmp_path / "timeout").write_text(OLD.format(timeout=timeout))
        (tmp_path / "timeout").chmod(0o755)
    return str(tmp_path)


def run(path: str, command: str) -> "subprocess.CompletedProcess[str]":
    text = f"{script('within')}\n{command}\n"
    return subprocess.run(
        ["/bin/sh", "-s"], input=text, env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_command_that_ends_in_time_keeps_its_input_output_and_exit_code(path: str) -> None:
    done = run(path, "echo word | within 50 cat; within 50 /bin/sh -c 'exit 3'; echo $?")
    assert (done.stdout, done.stderr) == ("word\n3\n", "")


def test_a_command_that_does_not_end_in_time_is_ended(path: str) -> None:
    done = run(path, "within 1 sleep 50 2>/dev/null; code=$?; [ $code -ge 124 ] && echo ended")
    assert done.stdout == "ended\n"
