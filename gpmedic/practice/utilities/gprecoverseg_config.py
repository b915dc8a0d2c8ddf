"""The recovery configuration file as gprecoverseg reads it for -i, with its complaints, and writes it for -o.

Written apart from gpmedic's own reader on purpose: the one is tested against the other.
"""

from collections.abc import Sequence

from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.gprecoverseg_targets import Copy, Failed, Line, Refused, Target, absolute

FILESPACE_HEADER = "filespaceOrder="


def sample(targets: Sequence[Target], release: Release) -> str:
    """What -o writes: a line for each target, with a second group where it goes elsewhere."""
    if release is Release.V4_3:
        lines = [FILESPACE_HEADER]
        for target in targets:
            place = target.failover
            new = f" {place.address}:{place.port}:{place.replication_port}:{place.datadir}" if place else ""
            lines.append(f"{target.failed.address}:{target.failed.port}:{target.failed.datadir}{new}")
    else:
        lines = [
            f"{t.failed.address}|{t.failed.port}|{t.failed.datadir}"
            + (f" {t.failover.address}|{t.failover.port}|{t.failover.datadir}" if t.failover else "")
            for t in targets
        ]
    return "".join(f"{line}\n" for line in lines)


def read(text: str, file: str, release: Release) -> list[Line]:
    """The lines of a configuration file.

    Raises:
        Failed, Refused: with the words that the real one has for what is wrong.
    """
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    meaningful = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    return _read_filerep(meaningful, file) if release is Release.V4_3 else _read_wal(meaningful, file, release)


TYPES = {"I": Copy.INCREMENTAL, "D": Copy.DIFFERENTIAL, "F": Copy.FULL}


def _read_wal(lines: Sequence[tuple[int, str]], file: str, release: Release) -> list[Line]:
    rows = []
    for number, text in lines:
        groups = text.split()
        if len(groups) > 2:
            raise Refused(f"line {number} of file {file}: expected 1 or 2 groups but found {len(groups)}")
        copy = None
        if release is Release.V7:
            copy, groups = _typed(groups)
        names = ("failed", "new")
        fields = [_wal_group(group, name, number, file) for group, name in zip(groups, names, strict=False)]
        rows.append(Line(number, text, fields[0], fields[1] if len(fields) > 1 else (), copy))
    _check_twice(rows)
    return rows


def _typed(groups: list[str]) -> tuple[Copy | None, list[str]]:
    """7.1 may have a type before, and a host name before the address: what is asked for, and the groups without both.

    A first field that is a type is read as one, whatever a host may be called.
    """
    first, _, rest = groups[0].partition("|")
    copy = TYPES.get(first) if groups[0].count("|") > 2 else None
    plain = [rest, *groups[1:]] if copy else groups
    return copy, [group.partition("|")[2] if group.count("|") == 3 else group for group in plain]


def _wal_group(group: str, name: str, number: int, file: str) -> tuple[str, ...]:
    parts = group.split("|")
    if len(parts) != 3:
        raise Refused(f"line {number} of file {file}: expected 3 parts on {name} segment group, obtained {len(parts)}")
    host, port, directory = parts
    if not host:
        raise Refused(f"Missing address on line {number}")
    if not port.isdigit():
        raise Refused(f"Invalid port on line {number}")
    return host, port, absolute(directory, file, number)


def _check_twice(rows: Sequence[Line]) -> None:
    for kind, what in (("failed", "recover the same failed segment"), ("new", "recover to the same segment")):
        seen: dict[tuple[str, str], int] = {}
        for row in rows:
            fields: tuple[str, ...] = getattr(row, kind)
            if not fields:
                continue
            first = seen.setdefault((fields[0], fields[-1]), row.number)
            if first != row.number:
                raise Refused(
                    f"config file lines {first} and {row.number} conflict: "
                    f"Cannot {what} {fields[0]} and data directory {fields[-1]} twice."
                )


def _read_filerep(lines: Sequence[tuple[int, str]], file: str) -> list[Line]:
    if not lines:
        raise Failed("'NoneType' object is not iterable")
    number, first = lines[0]
    if not first.startswith(FILESPACE_HEADER):
        raise Refused(f"{file}:{number}: LINE >>{first}\ndoes not start with {FILESPACE_HEADER}")
    rows = []
    for number, text in lines[1:]:
        groups = text.split()
        failed = _filerep_group(groups[0], ("failedAddress", "failedPort", "failedDataDirectory"), file, number, text)
        new: tuple[str, ...] = ()
        if len(groups) > 1:
            names = ("newAddress", "newPort", "newReplicationPort", "newDataDirectory")
            new = _filerep_group(groups[1], names, file, number, text)
        rows.append(Line(number, text, failed, new))
    return rows


def _filerep_group(group: str, names: Sequence[str], file: str, number: int, text: str) -> tuple[str, ...]:
    parts = group.split(":")
    if len(parts) < len(names):
        raise Refused(f"{file}:{number}: LINE >>{text}\nout of values (reading {names[len(parts)]})")
    return tuple(parts[: len(names)])
