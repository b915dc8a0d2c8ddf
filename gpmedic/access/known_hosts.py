"""OpenSSH's known_hosts: which keys a host may show.

Read by gpmedic itself because paramiko's reader takes seconds for thousands of lines and gives up the whole file at one
`@cert-authority`, `@revoked` or cut line.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from gpmedic.errors import AccessRefused

DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class HostKey:
    algorithm: str
    blob: bytes


@dataclass(frozen=True)
class KnownHosts:
    """The lines of one file; exact names by name, hashed names and patterns in order."""

    exact: dict[str, list[HostKey]] = field(default_factory=dict)
    hashed: list[tuple[bytes, bytes, HostKey]] = field(default_factory=list)
    patterns: list[tuple[tuple[str, ...], HostKey]] = field(default_factory=list)
    revoked: set[bytes] = field(default_factory=set)

    def keys(self, host: str, port: int) -> tuple[HostKey, ...]:
        """Every key that may be shown by this host at this port, without revoked ones."""
        name = _name(host, port)
        found = [*self.exact.get(name, ()), *self._hashed(name), *self._matching(name)]
        return tuple(key for key in found if key.blob not in self.revoked)

    def _hashed(self, name: str) -> Iterator[HostKey]:
        for salt, digest, key in self.hashed:
            if hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest):
                yield key

    def _matching(self, name: str) -> Iterator[HostKey]:
        for patterns, key in self.patterns:
            refused = any(_matches(name, pattern[1:]) for pattern in patterns if pattern.startswith("!"))
            if not refused and any(_matches(name, pattern) for pattern in patterns):
                yield key


def read(path: Path) -> KnownHosts:
    """The file's keys; a file that is not there knows no host. Parsed again only when it has changed.

    Raises:
        AccessRefused: it is there and cannot be read: to call its hosts unknown would lead to a second file.
    """
    try:
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        return KnownHosts()
    except OSError as error:
        raise AccessRefused(
            f"The known hosts in {path} cannot be read ({error.strerror}).", "Correct ssh.known_hosts, or that file."
        ) from None


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int, _size: int) -> KnownHosts:
    return parse(path.read_text(encoding="utf-8", errors="replace"))


def parse(text: str) -> KnownHosts:
    """Keys in a known_hosts text; lines that cannot be read are left out, so that their hosts stay unknown."""
    known = KnownHosts()
    for line in text.splitlines():
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or marker == "@cert-authority":
            continue
        try:
            key = HostKey(fields[1], base64.b64decode(fields[2], validate=True))
        except (binascii.Error, ValueError):
            continue
        if marker == "@revoked":
            known.revoked.add(key.blob)
        elif not marker:
            _add(known, fields[0], key)
    return known


def append(path: Path, host: str, port: int, blob: bytes) -> None:
    """Add a line for this host; OSError where that cannot be done.

    Args:
        blob: the key as SSH sends it, which begins with the name of its algorithm.
    """
    length = int.from_bytes(blob[:4])
    algorithm = blob[4 : 4 + length].decode("ascii")
    before = path.read_bytes() if path.exists() else b""
    gap = "" if not before or before.endswith(b"\n") else "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{gap}{_name(host, port)} {algorithm} {base64.b64encode(blob).decode()}\n")


def _name(host: str, port: int) -> str:
    return host.lower() if port == DEFAULT_PORT else f"[{host.lower()}]:{port}"


def _add(known: KnownHosts, names: str, key: HostKey) -> None:
    if names.startswith("|1|"):
        try:
            salt, digest = (base64.b64decode(part, validate=True) for part in names[3:].split("|"))
        except (binascii.Error, ValueError):
            return
        known.hashed.append((salt, digest, key))
        return
    parts = tuple(part.lower() for part in names.split(",") if part)
    if any(set(part) & set("*?!") for part in parts):
        known.patterns.append((parts, key))
        return
    for part in parts:
        known.exact.setdefault(part, []).append(key)


def _matches(name: str, pattern: str) -> bool:
    # fnmatch takes [ ] for a set of characters, known_hosts for the brackets around a host with a port.
    return fnmatchcase(name, pattern.replace("[", "[[]"))
