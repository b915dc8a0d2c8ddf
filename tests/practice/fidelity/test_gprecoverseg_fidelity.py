"""What the stand-in gprecoverseg prints, held against every recorded run of the real one, line by line."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg import program
from gpmedic.practice.utilities.gprecoverseg_lock import say_held
from gpmedic.practice.utilities.gprecoverseg_options import OPTIONS, help_text, parse
from tests.practice.fidelity.normalise import normalise, rule
from tests.practice.fidelity.replay import Killed, RecordedHands
from tests.transcripts import Step, recordings

INVOCATION = re.compile(r"(?:^|[;&|] |=\S+ )gprecoverseg\b([^;\n<|]*)")


def recorded_runs() -> list[Step]:
    """Every recorded run that took the lock and printed log lines of its own."""
    steps = [*recordings("gp6"), *recordings("gp4")]
    return [s for s in steps if INVOCATION.search(s.command) and "-Starting gprecoverseg with args:" in s.stdout]


class Difference(NamedTuple):
    """Lines of the recordings that the stand-in leaves out on purpose."""

    lines: str
    """A regular expression over a normalised recording whose lines are joined by newlines."""
    reason: str


COMPARED_AS_A_BLOCK = Difference(
    r"stdout: pg_control version number(?:.*\n)+?\nstderr: ?\n",
    "The lab's PostgreSQL is newer than Greenplum's: its pg_controldata dumps other lines.",
)

DIFFERENCES = (
    Difference(
        r"^gprecoverseg ERROR -\[Errno 13\] Permission denied: '\S+/share/packages'\nTraceback(?:.*\n)*?"
        r"gprecoverseg WARNING -Please run gppkg --clean after successful segment recovery\.\n",
        "The recorded cluster could not write into its own GPHOME; the lab's can.",
    ),
    Difference(
        r"^gprecoverseg ERROR -Unable to clean up shared memory for segment: \(ipcrm: invalid id \(5\)\n(?:.*\n)*?"
        r"gprecoverseg WARNING -Unable to clean up shared memory for stopped segments on host \(gp-s2\)\n",
        "The containers that were recorded shared one IPC namespace; nothing of Greenplum's.",
    ),
    Difference(
        r"^t\n(?=gprecoverseg)|^-rw-r--r-- 1 .*\n",
        "Output of another command in the same step: psql before, ls after.",
    ),
)

DIFFERENT_RUNS = {
    "02-primary-killed/27-gprecoverseg-r-a": "T30: a Python error of the real one that came in one run of three.",
    "09-errors/41-concurrent": "Two runs at once, their outputs mixed by the shell.",
    "h1-nothing-to-do/17-gprecoverseg-on-the-standby-host": "The lab has it on the coordinator's host only.",
}

ALSO = (
    rule(r"^(era is|gprecoverseg INFO -era is) \S+", r"\1 ERA"),
    rule(r"^(> |rc=\d+, stdout=')?\d{8}:\d\d:\d\d:\d\d:\d{6} (\w+):\S+?-\[([A-Z]+)\]:-", r"\1\2 \3 -"),
    rule(r'on host "(?!localhost)\S+" and accepting', "on host HOST and accepting"),
    rule(r"\(seg(\d+) \S+:(\d+)\)", r"(seg\1 HOST:\2)"),
)


def comparable(text: str) -> str:
    """A run without what differs between two runs of the real gprecoverseg on one cluster."""
    text = re.sub(COMPARED_AS_A_BLOCK.lines, "CONTROLDATA\n", text)
    lines = normalise(re.sub(r'(?m)^  File ".*\n    .*\n', "", text), ALSO)
    return "\n".join(_last_progress(_ordered(lines))) + "\n"


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


def recorded(step: Step) -> str:
    """The recorded run, without the differences of the table."""
    text = comparable(step.stdout)
    for difference in DIFFERENCES:
        text = re.sub(difference.lines, "", text, flags=re.M)
    return text


def rendered(step: Step) -> tuple[str, int | None]:
    """The same run by the stand-in: its text and exit code, None where it was killed."""
    matched = INVOCATION.search(step.command)
    assert matched
    arguments = matched[1].replace("~/", "/home/gpadmin/").split()
    written: list[str] = []
    console = Console(written.append, "gprecoverseg", "mdw", "gpadmin")
    release = Release.V4_3 if step.scenario[0].isdigit() else Release.V6
    hands = RecordedHands(step, configuration_files(step))
    code: int | None
    try:
        code = program(parse(arguments, release), release, hands, console)
    except Killed:
        code = None
    text = "".join(written)
    if "echo rc=$?" in step.command:
        text += f"rc={code}\n"
    if "; cat " in step.command or "; ls " in step.command:
        text += next(iter(hands.written.values()))
    return comparable(text), code


GOOD_F1 = (
    "sdw1|6000|/data/primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n"
    "sdw1|6001|/data/primary/gpseg1 sdw4|6001|/data/primary/gpseg1\n"
    "sdw1|7001|/data/mirror/gpseg3 sdw4|7001|/data/mirror/gpseg3\n"
    "sdw1|7000|/data/mirror/gpseg4 sdw4|7000|/data/mirror/gpseg4\n"
)
FIRST = "sdw1|6000|/data/primary/gpseg0"
FILES = {
    "unknown-failed-host": "sdw9|6000|/data/primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n",
    "unknown-target-host": f"{FIRST} sdw9|6000|/data/primary/gpseg0\n",
    "wrong-format-colon": "sdw1:6000:/data/primary/gpseg0 sdw4:6000:/data/primary/gpseg0\n",
    "missing-field": "sdw1|6000 sdw4|6000|/data/primary/gpseg0\n",
    "three-groups": f"{FIRST} sdw4|6000|/data/primary/gpseg0 sdw4|6001|/data/primary/gpseg1\n",
    "port-not-a-number": f"{FIRST} sdw4|abc|/data/primary/gpseg0\n",
    "gp5-style-with-filespace-line": f"filespaceOrder=\n{FIRST}\n",
    "segment-that-is-up": "sdw2|6000|/data/primary/gpseg2 sdw4|6000|/data/primary/gpseg2\n",
    "port-used-by-another-segment": f"{FIRST} sdw3|6000|/data/spare/gpseg0\n",
    "duplicate-line": f"{FIRST} sdw4|6000|/data/primary/gpseg0\n{FIRST} sdw4|6000|/data/primary/gpseg0\n",
    "duplicate-target": f"{FIRST} sdw4|6000|/data/primary/gpseg0\n"
    "sdw1|6001|/data/primary/gpseg1 sdw4|6001|/data/primary/gpseg0\n",
    "relative-directory": "sdw1|6000|primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n",
    "unreachable-in-place": f"{FIRST}\n",
    "empty-file": "",
    "comment-only": "# nothing\n",
    "nonempty-target-dir": f"{FIRST} sdw4|6000|/data/primary/gpseg0\n",
    "target-parent-not-writable": f"{FIRST} sdw4|6000|/srv/nope/gpseg0\n",
    "port-taken-by-a-stranger": "sdw1|6001|/data/primary/gpseg1 sdw4|6001|/data/primary/gpseg1\n",
    "17-gprecoverseg-i-good": "sdw4|6000|/data/primary/gpseg0\n" + "".join(GOOD_F1.splitlines(keepends=True)[2:]),
    "34-gprecoverseg-i-good": GOOD_F1,
    "07-gprecoverseg-i-empty": "",
    "09-gprecoverseg-i-in-place": f"{FIRST}\n",
    "14-gprecoverseg-i": "filespaceOrder=\n# dead mirror of content 1\n"
    "gp-s3:50000:/data/mirror/gpseg1 gp-s4:50000:51000:/data/spare/gpseg1\n"
    "gp-s3:40000:/data/primary/gpseg2 gp-s4:40000:41000:/data/spare/gpseg2\n",
}
"""Recovery files whose content was not recorded, by what the step's name says of them."""


def configuration_files(step: Step) -> dict[str, str]:
    """The file that the step's -i reads, if it exists."""
    named = re.search(r"-i (\S+)", step.command)
    if not named or "nosuch" in named[1] or "nonexistent" in named[1]:
        return {}
    path = named[1].replace("~/", "/home/gpadmin/")
    printed = re.match(r"printf '(.*?)' > ", step.command)
    if printed:
        return {path: printed[1].replace("\\n", "\n")}
    return {path: next((text for name, text in FILES.items() if name in step.name), "")}


@pytest.mark.parametrize("step", [s for s in recorded_runs() if str(s) not in DIFFERENT_RUNS], ids=str)
def test_the_stand_in_prints_what_the_real_gprecoverseg_printed(step: Step) -> None:
    text, code = rendered(step)
    assert text.splitlines() == recorded(step).splitlines()
    assert code is None or code == step.exit_code


@pytest.mark.parametrize("name", DIFFERENT_RUNS)
def test_a_run_that_is_listed_as_different_is_different(name: str) -> None:
    step = next(s for s in recorded_runs() if str(s) == name)
    text, _ = rendered(step)
    assert text != recorded(step)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda d: d.reason)
def test_a_difference_that_is_listed_is_met_in_a_recording(difference: Difference) -> None:
    assert any(re.search(difference.lines, comparable(s.stdout), re.M) for s in recorded_runs())


def test_what_is_compared_as_a_block_is_met_in_a_recording() -> None:
    assert any(re.search(COMPARED_AS_A_BLOCK.lines, s.stdout) for s in recorded_runs())


def step_of(name: str) -> Step:
    return next(s for s in (*recordings("gp6"), *recordings("gp4")) if str(s) == name)


LOCKED = [
    s
    for s in recordings("gp6")
    if s.stdout.startswith("2") and "gprecoverseg:default" in s.stdout and INVOCATION.search(s.command)
]


@pytest.mark.parametrize("step", LOCKED, ids=str)
def test_a_held_lock_is_reported_as_by_the_real_one(step: Step) -> None:
    pid = re.search(r"with PID (\d+)", step.stdout)
    assert pid
    assert held(Release.V6, int(pid[1])) == normalise(step.stdout, LOCK_ALSO)
    assert step.exit_code == 0  # T1


def test_a_lock_held_in_4_3_is_reported_as_by_the_real_one() -> None:
    lines = normalise(step_of("14-lock/02-concurrent").stdout, LOCK_ALSO)
    assert lines[:2] == [*held(Release.V4_3, 1077), "rc2=0"]


LOCK_ALSO = (rule(r"^\S+ gprecoverseg:default-", "gprecoverseg:default-"),)


def held(release: Release, pid: int) -> list[str]:
    written: list[str] = []
    say_held(Console(written.append, "gprecoverseg", "mdw", "gpadmin"), release, Path("/data/master/gpseg-1"), pid)
    return normalise("".join(written), LOCK_ALSO)


@pytest.mark.parametrize(
    ("name", "release"),
    [("h1-nothing-to-do/08-gprecoverseg-unknown-option", Release.V6), ("09-errors/32-bogus-option", Release.V4_3)],
)
def test_an_unknown_option_is_refused_on_stderr(
    name: str, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    step = step_of(name)
    with pytest.raises(SystemExit) as ended:
        parse(step.command.split()[1:], release)
    assert capsys.readouterr().err == step.stderr
    assert ended.value.code == step.exit_code


def test_help_names_the_options_that_the_real_help_of_6_names() -> None:
    """Its prose is Greenplum's own and is not repeated; what a reader looks for in it is the same."""
    real = step_of("a-healthy/14-gprecoverseg-help").stdout
    ours = help_text(Release.V6)
    for option in (o for o in OPTIONS if Release.V6 in o.releases):
        line = re.compile(rf"^{re.escape(option.flag)}\b", re.M)
        assert line.search(real), option
        assert line.search(ours), option
    assert "--differential" not in real + ours
    assert "--differential" in help_text(Release.V7)
