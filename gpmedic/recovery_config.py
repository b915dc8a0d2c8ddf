"""The recovery configuration file that `gprecoverseg -i` reads and `-o` writes, of every generation.

A file is dangerous: the same group twice on a line means a full copy over the data in place (T8). So gpmedic writes
in-place lines with one group, refuses lines that it does not understand, and lints what a person supplies.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gpmedic.cluster import Generation, Segment, Version
from gpmedic.errors import Refused
from gpmedic.gprecoverseg_lines import RecoveryType


class Dialect(StrEnum):
    """How lines are written; what a gprecoverseg understands grew over the versions."""

    COLONS = "4.3 and 5"  # filespaceOrder=..., addr:port:dir [addr:port:replication port:dir]
    PIPES = "6"  # addr|port|dir [addr|port|dir]; every later version understands it too
    PIPES_WITH_HOST = "late 6 and 7.0"  # also host|addr|port|dir
    TYPED = "late 6 and 7.1"  # also I|..., D|... or F|... before either

    @classmethod
    def of(cls, generation: Generation) -> "Dialect":
        """The dialect that every version of a generation understands."""
        return cls.COLONS if generation is Generation.FILEREP else cls.PIPES

    @classmethod
    def of_version(cls, version: Version) -> "Dialect":
        """The dialect of exactly this version. Which late 6 knows types cannot be told: there it is that of every 6."""
        typed = version.generation is Generation.WAL and (version.major, version.minor) >= (7, 1)
        return cls.TYPED if typed else cls.of(version.generation)


class RecoveryFileRefused(Refused):
    """A line of a recovery configuration file is not valid; nothing was started."""

    def __init__(self, number: int, line: str, reason: str) -> None:
        where = f"Line {number} of the recovery configuration file" if number else "The recovery configuration file"
        super().__init__(
            f"{where} is not valid: {reason}" + (f": {line!r}." if line else "."),
            "Correct the file, or write one with `gprecoverseg -o` and start from it.",
        )
        self.number = number
        self.line = line


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment is or shall be; `replication_port` and `filespaces` (directories, in order) only in 4.3 and 5."""

    address: str
    port: int
    directory: str
    hostname: str | None = None
    replication_port: int | None = None
    filespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """One segment to recover; in place where `target` is None, elsewhere always a full copy."""

    failed: Place
    target: Place | None = None
    type: RecoveryType | None = None

    @classmethod
    def in_place(cls, segment: Segment, type: RecoveryType | None = None) -> "RecoveryLine":
        return cls(Place(segment.address, segment.port, segment.datadir), None, type)

    @classmethod
    def moved(cls, segment: Segment, target: Place) -> "RecoveryLine":
        return cls(Place(segment.address, segment.port, segment.datadir), target)


@dataclass(frozen=True, slots=True)
class RecoveryConfig:
    """A whole file; `filespace_order` names the filespaces of every target (4.3 and 5)."""

    lines: tuple[RecoveryLine, ...]
    filespace_order: tuple[str, ...] = ()


_TYPES = {"I": RecoveryType.INCREMENTAL, "D": RecoveryType.DIFFERENTIAL, "F": RecoveryType.FULL}
_LETTERS = {kind: letter for letter, kind in _TYPES.items()}
_ORDER = "filespaceOrder="
_COLON = re.compile(r":(?![^\[]*\])")  # not those of an IPv6 address in brackets
_NAME = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]")  # a host or address
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f]")


def parse(text: str, dialect: Dialect) -> RecoveryConfig:
    """Read a file, comments and empty lines left out.

    Raises:
        RecoveryFileRefused: the first line that gprecoverseg of this dialect, or gpmedic, would not understand.
    """
    numbered = [(n, line.rstrip("\r")) for n, line in enumerate(text.split("\n"), start=1)]
    numbered = [(n, line) for n, line in numbered if line.strip() and not line.lstrip().startswith("#")]
    order: tuple[str, ...] = ()
    if dialect is Dialect.COLONS:
        if not numbered or not numbered[0][1].startswith(_ORDER):
            number, line = numbered[0] if numbered else (0, "")
            raise RecoveryFileRefused(number, line, f"the first line must begin with {_ORDER}")
        names = numbered.pop(0)[1].removeprefix(_ORDER).strip()
        order = tuple(names.split(":")) if names else ()
    return RecoveryConfig(tuple(_line(n, line, dialect, len(order)) for n, line in numbered), order)


def _line(number: int, line: str, dialect: Dialect, filespaces: int) -> RecoveryLine:
    try:
        groups = line.strip(" ").split(" ")
        if len(groups) > 2 or "" in groups:
            raise ValueError("one group, or two groups with one blank between them, are expected")
        if dialect is Dialect.COLONS:
            return _with_colons(groups, filespaces)
        return _with_pipes([group.split("|") for group in groups], dialect)
    except ValueError as error:
        raise RecoveryFileRefused(number, line, str(error)) from None


def _with_colons(groups: Sequence[str], filespaces: int) -> RecoveryLine:
    failed, *rest = [_COLON.split(group) for group in groups]
    if len(failed) != 3:
        raise ValueError("the failed segment is address:port:directory")
    if not rest:
        return RecoveryLine(_place(failed))
    if len(rest[0]) != 4 + filespaces:
        raise ValueError("the target is address:port:replication port:directory and a directory for each filespace")
    address, port, replication_port, directory, *locations = rest[0]
    target = _place([address, port, directory], replication_port=_port(replication_port), filespaces=tuple(locations))
    return RecoveryLine(_place(failed), target)


def _with_pipes(groups: Sequence[Sequence[str]], dialect: Dialect) -> RecoveryLine:
    failed, *rest = groups
    kind = _TYPES.get(failed[0]) if len(failed) > 3 else None
    if kind is None and len(failed) > 3 and failed[0].upper() in _TYPES:
        raise ValueError("a type is written as a capital I, D or F")
    if kind is not None and dialect is not Dialect.TYPED:
        raise ValueError("this version knows no recovery type in the file")
    if kind is not None:
        failed = failed[1:]
    if len(failed) == 4 and dialect is Dialect.PIPES:
        raise ValueError("this version expects address|port|directory")
    if len(failed) not in {3, 4} or any(len(target) != len(failed) for target in rest):
        raise ValueError("a group is [host|]address|port|directory, and both groups have the same fields")
    if kind not in {None, RecoveryType.FULL} and rest:
        raise ValueError("recovery to another place is always full")
    return RecoveryLine(_place(failed), _place(rest[0]) if rest else None, kind)


def _place(fields: Sequence[str], replication_port: int | None = None, filespaces: tuple[str, ...] = ()) -> Place:
    *names, port, directory = fields
    place = Place(
        names[-1], _port(port), directory, names[0] if len(names) == 2 else None, replication_port, filespaces
    )
    _check(place)
    return place


def _port(field: str) -> int:
    if not (field.isascii() and field.isdecimal()) or field != str(int(field)) or not 0 < int(field) < 65536:
        raise ValueError(f"{field!r} is not a port")
    return int(field)


def _check(place: Place) -> None:
    """ValueError where a field is empty, or would be read as something else than one field."""
    for name in (place.address, place.hostname):
        if name is not None and not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is neither a host nor an address")
    for directory in (place.directory, *place.filespaces):
        if not directory.startswith("/") or _FORBIDDEN.search(directory) or "|" in directory or ":" in directory:
            raise ValueError(f"{directory!r} is not a full path without blanks, pipes and colons")
    for port in (place.port, place.replication_port):
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"{port} is not a port")


def render(config: RecoveryConfig, dialect: Dialect) -> str:
    """The file's text; what `parse` reads from it is `config` again.

    Raises:
        RecoveryFileRefused: this dialect cannot say it.
    """
    head = [_ORDER + ":".join(config.filespace_order)] if dialect is Dialect.COLONS else []
    lines = [_rendered(number, line, config, dialect) for number, line in enumerate(config.lines, start=len(head) + 1)]
    return "".join(f"{line}\n" for line in (*head, *lines))


def _rendered(number: int, line: RecoveryLine, config: RecoveryConfig, dialect: Dialect) -> str:
    places = [line.failed] if line.target is None else [line.failed, line.target]
    separator = ":" if dialect is Dialect.COLONS else "|"
    groups = [separator.join(_fields(place)) for place in places]
    letter = [] if line.type is None else [_LETTERS[line.type]]
    text = separator.join([*letter, " ".join(groups)])
    try:
        again = _line(number, text, dialect, len(config.filespace_order))
    except RecoveryFileRefused:
        again = None
    if again != line:
        raise RecoveryFileRefused(number, text, f"it cannot be written for Greenplum {dialect.value}")
    return text


def _fields(place: Place) -> list[str]:
    names = [place.address] if place.hostname is None else [place.hostname, place.address]
    replication_port = [] if place.replication_port is None else [str(place.replication_port)]
    return [*names, str(place.port), *replication_port, place.directory, *place.filespaces]
