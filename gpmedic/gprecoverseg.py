"""gprecoverseg: its arguments, and what its output says, of every generation.

Its exit code is 0 while its lock is held (T1), while hosts are unreachable (T2), while pairs were not rebalanced (T3);
what it calls success may have done nothing (T23). So the outcome is read from the text, and the catalog decides.
"""

import re

from gpmedic.cluster import Generation
from gpmedic.errors import UnreadableOutput, UnsafeState
from gpmedic.gprecoverseg_lines import UTILITY, RecoveryType
from gpmedic.gprecoverseg_parameters import Instance, RecoveryParameters, UnbalancedSegment
from gpmedic.gprecoverseg_reading import parse
from gpmedic.gprecoverseg_report import (
    FailedSegment,
    Outcome,
    Progress,
    RecoverReport,
    UnreachableSegment,
    parse_progress,
)

__all__ = [
    "FailedSegment",
    "Instance",
    "Outcome",
    "Progress",
    "RecoverReport",
    "RecoveryParameters",
    "RecoveryType",
    "UnbalancedSegment",
    "UnreachableSegment",
    "help_argv",
    "parse",
    "parse_help",
    "parse_progress",
    "rebalance_argv",
    "recover_argv",
    "sample_argv",
]


_TYPE_OPTIONS: dict[RecoveryType, tuple[str, ...]] = {
    RecoveryType.INCREMENTAL: (),
    RecoveryType.DIFFERENTIAL: ("--differential",),
    RecoveryType.FULL: ("-F",),
}


def recover_argv(
    generation: Generation,
    recovery_type: RecoveryType = RecoveryType.INCREMENTAL,
    config_file: str | None = None,
    new_host: str | None = None,
) -> tuple[str, ...]:
    """The command that recovers every failed segment in place, or those that `config_file` names.

    Args:
        new_host: recover everything that has failed onto this host instead; always a full copy.

    Raises:
        UnsafeState: this generation cannot do it; nothing was started.
    """
    if recovery_type is RecoveryType.DIFFERENTIAL and generation is Generation.FILEREP:
        raise UnsafeState("Greenplum 4.3 and 5 know no differential recovery.", "Choose incremental or full recovery.")
    if recovery_type is RecoveryType.DIFFERENTIAL and config_file is not None:
        raise UnsafeState(
            "gprecoverseg takes no configuration file together with --differential.",
            "Write the type D before each line of the file instead, or recover without a file.",
        )
    source = () if config_file is None else ("-i", config_file)
    return (UTILITY, "-a", *_TYPE_OPTIONS[recovery_type], *source, *_new_host(new_host))


def sample_argv(config_file: str, new_host: str | None = None) -> tuple[str, ...]:
    """The command that changes nothing and writes what it would recover, and whither, into `config_file`."""
    return (UTILITY, *_new_host(new_host), "-o", config_file)


def _new_host(name: str | None) -> tuple[str, ...]:
    return () if name is None else ("-p", name)


def rebalance_argv(generation: Generation) -> tuple[str, ...]:
    """The command that gives every segment its preferred role; spelled alike in every generation.

    6 and 7 then run an unscoped `gprecoverseg -a` (T4): refuse to run it while anything is down or not synchronized.
    """
    del generation
    return (UTILITY, "-a", "-r")


def help_argv() -> tuple[str, ...]:
    return (UTILITY, "--help")


# "-a" alone, "-B batch_size", "--replay-lag <replay_lag>", "-? | -h | --help", "-v (verbose)", "  -h, --help  show"
_OPTION_LINE = re.compile(r"\s*(?P<option>-{1,2}[A-Za-z?][\w-]*)(?=$|[\s,|=<\[(])(?P<rest>.*)")
_OTHER_SPELLING = re.compile(r"[,|]\s*(-{1,2}[A-Za-z?][\w-]*)")


def parse_help(text: str) -> frozenset[str]:
    """The options that `gprecoverseg --help` describes; the documentation's list is not to be trusted (T11).

    Raises:
        UnreadableOutput: no option was found.
    """
    options: set[str] = set()
    for line in text.split("\n"):
        match = _OPTION_LINE.fullmatch(line.rstrip())
        if match is not None:
            options.update((match["option"], *_OTHER_SPELLING.findall(match["rest"])))
    if not options:
        raise UnreadableOutput(UTILITY, text.strip().split("\n")[0])
    return frozenset(options)
