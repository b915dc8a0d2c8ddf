"""What the stand-in gprecoverseg prints, held against every recorded run of the real one, line by line."""

import re

import pytest

from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg import program
from gpmedic.practice.utilities.gprecoverseg_options import parse
from tests.practice.fidelity.calls import Outcome, arguments_of, calls, generation, utility_of
from tests.practice.fidelity.differences import (
    DIFFERENCES,
    Table,
    What,
    compared,
    listed,
    of_recording,
    of_stand_in,
)
from tests.practice.fidelity.normalise import normalise, rule
from tests.practice.fidelity.recovery_files import configuration_files
from tests.practice.fidelity.replay import Killed, RecordedHands
from tests.transcripts import Step

RUNS = [s for s in calls() if utility_of(s) == "gprecoverseg" and "-Starting gprecoverseg with args:" in s.stdout]
"""Every recorded run that took the lock and printed log lines of its own."""

ALSO = (
    rule(r"^(era is|gprecoverseg INFO -era is) \S+", r"\1 ERA"),
    rule(r"^(> |rc=\d+, stdout=')?\d{8}:\d\d:\d\d:\d\d:\d{6} (\w+):\S+?-\[([A-Z]+)\]:-", r"\1\2 \3 -"),
    # The address of a host, which is another one in every network.
    rule(r'on host "(?!localhost)\S+" and accepting', "on host HOST and accepting"),
    rule(r"\(seg(\d+) \S+:(\d+)\)", r"(seg\1 HOST:\2)"),
)


def comparable(lines: list[str]) -> list[str]:
    """A run without what differs between two runs of the real gprecoverseg on one cluster."""
    return _last_progress(_ordered(lines))


UNORDERED = re.compile(
    r"gprecoverseg INFO -Successfully finished pg_controldata|gprecoverseg WARNING -cannot access pg_controldata"
    r"|gprecoverseg INFO - ?hostname: "
)


def _ordered(lines: list[str]) -> list[str]:
    """What comes from workers in the order in which they end, in alphabetic order; the dump goes with its heading."""
    whole = "\n".join(lines).replace(":\nCONTROLDATA", ": CONTROLDATA").split("\n")
    sorted_lines: list[str] = []
    block: list[str] = []
    for line in (*whole, ""):
        if UNORDERED.match(line):
            block.append(line)
            continue
        sorted_lines += sorted(block)
        block = []
        sorted_lines.append(line)
    return sorted_lines[:-1]


PROGRESS = re.compile(r"(\S+ \(dbid \d+\)): ")


def _last_progress(lines: list[str]) -> list[str]:
    """Of a block of progress lines only the last of each segment, sorted: their number and the hosts' order vary."""
    kept: list[str] = []
    last: dict[str, str] = {}
    for line in (*lines, ""):
        match = PROGRESS.match(line)
        if match:
            last[match[1]] = re.sub(r" *\d+/\d+ kB \(\d+%\)(, \d+/\d+ tablespace .*)?", " SIZE", line)
            continue
        kept += sorted(last.values())
        last = {}
        kept.append(line)
    return kept[:-1]


def recorded(step: Step, table: Table = DIFFERENCES) -> Outcome:
    """The recorded run, without the differences of the table."""
    lines = comparable(of_recording(normalise(step.stdout, ALSO), step, table))
    code = None if listed(step, What.EXIT_CODE, table) else step.exit_code
    return Outcome(lines, code, [] if listed(step, What.STDERR, table) else normalise(step.stderr))


def rendered(step: Step, table: Table = DIFFERENCES) -> Outcome:
    """The same run by the stand-in."""
    written: list[str] = []
    console = Console(written.append, "gprecoverseg", "mdw", "gpadmin")
    release = Release.V4_3 if generation(step) == "gp4" else Release.V6
    hands = RecordedHands(step, configuration_files(step))
    code: int | None
    try:
        code = program(parse(arguments_of(step), release), release, hands, console)
    except Killed:
        code = None
    text = "".join(written)
    said = re.search(r"; echo (rc2?)=\$\?", step.command)
    if said:
        text += f"{said[1]}={code}\n"
    if "; cat " in step.command or "; ls " in step.command:
        text += next(iter(hands.written.values()))
    return Outcome(as_rendered(text, step, table), code, [])


def as_rendered(text: str, step: Step, table: Table = DIFFERENCES) -> list[str]:
    """What a stand-in has printed, to be held against the recording of this step."""
    return comparable(of_stand_in(normalise(text, ALSO), step, table))


@pytest.mark.parametrize("step", compared(RUNS), ids=str)
def test_the_stand_in_prints_what_the_real_gprecoverseg_printed(step: Step) -> None:
    assert rendered(step) == recorded(step)
