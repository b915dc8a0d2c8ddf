"""Which host keys a known_hosts file allows; the file is OpenSSH's."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from gpmedic.access import known_hosts
from gpmedic.access.known_hosts import HostKey

KEY, OTHER = b"one key", b"another key"


def line(names: str, blob: bytes = KEY, marker: str = "") -> str:
    return f"{marker} {names} ssh-ed25519 {base64.b64encode(blob).decode()} comment\n".lstrip()


def hashed(name: str, salt: bytes = b"0123456789abcdef0123") -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (line("mdw"), "mdw", 22),
        (line("10.0.0.1,mdw"), "mdw", 22),
        (line("mdw"), "MDW", 22),
        (line("[mdw]:2222"), "mdw", 2222),
        (line("*.example.org,!bad.example.org"), "mdw.example.org", 22),
        (line("[*]:2222"), "mdw", 2222),
        (line(hashed("mdw")), "mdw", 22),
        (line(hashed("[mdw]:2222")), "mdw", 2222),
    ],
)
def test_a_host_that_a_line_names_is_known(text: str, host: str, port: int) -> None:
    assert known_hosts.parse(text).keys(host, port) == (HostKey("ssh-ed25519", KEY),)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("", "mdw", 22),
        (line("mdw"), "smdw", 22),
        (line("mdw"), "mdw", 2222),
        (line("[mdw]:2222"), "mdw", 22),
        (line("#mdw"), "mdw", 22),
        (line("*.example.org,!bad.example.org"), "bad.example.org", 22),
        (line(hashed("mdw")), "smdw", 22),
        (line("|1|cut"), "mdw", 22),
        (line("mdw", marker="@cert-authority"), "mdw", 22),
        (line("mdw") + line("*", marker="@revoked"), "mdw", 22),
    ],
)
def test_any_other_host_stays_unknown(text: str, host: str, port: int) -> None:
    assert known_hosts.parse(text).keys(host, port) == ()


@pytest.mark.parametrize("bad", ["mdw ssh-ed25519 AAA%%%", "mdw ssh-ed25519", "@revoked", "\0\0", line("x")[:-20]])
def test_one_line_that_cannot_be_read_does_not_hide_the_others(bad: str) -> None:
    assert known_hosts.parse(f"{bad}\n{line('sdw1')}").keys("sdw1", 22) == (HostKey("ssh-ed25519", KEY),)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("mdw"))
    assert known_hosts.read(path).keys("mdw", 22) == (HostKey("ssh-ed25519", KEY),)
    path.write_text(line("mdw", OTHER) + line("sdw1"))
    assert known_hosts.read(path).keys("mdw", 22) == (HostKey("ssh-ed25519", OTHER),)


def test_thousands_of_lines_are_read_many_times_faster_than_by_paramiko(tmp_path: Path) -> None:
    blob = paramiko.RSAKey.generate(1024).asbytes()
    path = tmp_path / "known_hosts"
    text = "".join(f"sdw{number} ssh-rsa {base64.b64encode(blob).decode()}\n" for number in range(2000))
    path.write_text(text)
    ours = min(_cpu_seconds(lambda: known_hosts.parse(text)) for _ in range(5))
    assert ours < _cpu_seconds(lambda: paramiko.HostKeys(str(path))) / 4


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
