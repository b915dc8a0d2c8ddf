"""The picture in a room that may be too small for it: what is wrong first, what is well in a word."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from gpmedic.picture import Cell, HostRow, Picture
from gpmedic.picture_states import APPEARANCES, Emphasis, State
from gpmedic.picture_text import Glyphs, Ink, Line, Span, as_text, cell_text, folded, host_label, legend, picture_text

_WORST_FIRST: Final = {state: place for place, state in enumerate(State)}
_FEWEST: Final = 6  # lines; in less nothing can be told
_REST: Final = 3  # a line each for the hosts in trouble, for those that are well, and for the legend


def picture_within(
    picture: Picture, width: int, height: int, glyphs: Glyphs = Glyphs.UNICODE, ink: Ink = Ink.PLAIN
) -> str:
    """The whole picture where it fits, else one in which each host shows only what is not well.

    Args:
        width: in columns.
        height: in lines; less than a few are taken as a few.
    """
    height = max(height, _FEWEST)
    whole = picture_text(picture, width=width, glyphs=glyphs, ink=ink)
    lines = whole.splitlines()
    if len(lines) > height:  # the key can be done without
        lines = whole.rpartition("\n\n")[0].splitlines()
    return "\n".join(lines) if len(lines) <= height else as_text(_condensed(picture, width, height, glyphs), ink)


def _condensed(picture: Picture, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    head = [*folded(picture.title, width), *folded(picture.headline, width)][: height - _REST]
    tallies = legend(picture, width, glyphs)
    well = [host for host in picture.hosts if not _remarkable(host)]
    foot = [_well(well, width)] if well else []
    room = height - len(head) - len(foot)
    # The legend names contents, which may take many lines: it gets at most half of what is left.
    tallies = tallies[: max(1, room // 2)]
    troubled = sorted((h for h in picture.hosts if _remarkable(h)), key=_urgency)
    return [*head, *_hosts(troubled, width, room - len(tallies), glyphs), *foot, *tallies]


def _remarkable(host: HostRow) -> tuple[Cell, ...]:
    cells = [c for c in host.cells if c.looks.emphasis is Emphasis.LOUD or c.switched]
    return tuple(sorted(cells, key=lambda c: _WORST_FIRST[c.state]))


def _urgency(host: HostRow) -> int:
    """The state of its worst segment; hosts of the same urgency stay in their order."""
    return min(_WORST_FIRST[cell.state] for cell in _remarkable(host))


def _hosts(hosts: Sequence[HostRow], width: int, room: int, glyphs: Glyphs) -> Iterator[Line]:
    """At least one line for each host that is shown; those that find no room are counted."""
    label = max((len(host_label(host, glyphs)) for host in hosts), default=0) + 2
    shown = len(hosts) if len(hosts) <= room else max(0, room - 1)
    spare = room - len(hosts)
    for host in hosts[:shown]:
        lines = _host(host, label, width, glyphs, 1 + max(0, spare))
        spare -= len(lines) - 1
        yield from lines
    if rest := hosts[shown:]:
        cells = sum(len(_remarkable(host)) for host in rest)
        yield (Span(f"and {len(rest)} more hosts with {cells} segments that are not well"),)


def _host(host: HostRow, label: int, width: int, glyphs: Glyphs, most: int) -> list[Line]:
    name = Span(f"{host_label(host, glyphs):{label}}", APPEARANCES[State.DOWN] if host.all_dead else None)
    cells = _remarkable(host)
    up = len(host.cells) - len(cells)
    lines: list[list[Span]] = [[name]]
    left = width - label
    for number, cell in enumerate(cells):
        text = cell_text(cell, glyphs)
        rest = f"+{len(cells) - number} more"
        last = len(lines) == most
        if left < len(text) + (len(rest) + 1 if last and number < len(cells) - 1 else 0):
            if last:
                lines[-1].append(Span(rest))
                break
            lines.append([Span(" " * label)])
            left = width - label
        lines[-1] += [Span(text, cell.looks), Span(" ")]
        left -= len(text) + 1
    else:
        if up and left >= len(f"{up} well"):
            lines[-1].append(Span(f"{up} well"))
    return [tuple(line) for line in lines]


def _well(hosts: Sequence[HostRow], width: int) -> Line:
    looks = APPEARANCES[State.HEALTHY]
    segments = sum(len(host.cells) for host in hosts)
    names = ", ".join(host.name for host in hosts)
    said = f"{len(hosts)} host{'s' if len(hosts) > 1 else ''} with {segments} segments well: {names}"
    return (Span(textwrap.shorten(said, width, placeholder=" ..."), looks),)
