"""What gpstop and gpstart have in common as commands: options, the log file, and how a run ends."""

import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from optparse import OptionParser  # what the real utilities use: their usage errors come out alike

from gpmedic.practice.control import Control, PracticeError
from gpmedic.practice.facts import Facts
from gpmedic.practice.fault import Lie
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_live import log_file
from gpmedic.practice.utilities.gprecoverseg_text import Declined
from gpmedic.practice.utilities.gpstop_hands import (
    ClusterHands,
    ClusterOptions,
    CommandFailed,
    Failed,
    LiveClusterHands,
    Refused,
)
from gpmedic.practice.utilities.lies import IdleClusterHands, lies
from gpmedic.practice.utilities.startup import version_line

Program = Callable[[ClusterOptions, ClusterHands, Console], int]


class Utility(StrEnum):
    GPSTOP = "gpstop"
    GPSTART = "gpstart"


# flag, long flag, field, whether it takes a value, of which utilities
_OPTIONS = (
    ("-a", None, "yes", False, Utility),
    ("-m", "--master_only", "coordinator_only", False, Utility),
    ("-y", "--no_standby", "without_standby", False, Utility),
    ("-q", None, "quiet", False, Utility),
    ("-v", None, "verbose", False, Utility),
    ("-d", None, "data_directory", True, Utility),
    ("-l", None, "log_directory", True, Utility),
    ("-t", "--timeout", "timeout", True, Utility),
    ("-B", None, "parallel", True, Utility),
    ("-r", None, "restart", False, (Utility.GPSTOP,)),
    ("-u", None, "reload", False, (Utility.GPSTOP,)),
    ("-M", None, "mode", True, (Utility.GPSTOP,)),
    ("-f", None, "fast", False, (Utility.GPSTOP,)),
    ("-i", None, "immediate", False, (Utility.GPSTOP,)),
    ("-R", None, "restricted", False, (Utility.GPSTART,)),
    ("-S", "--skip_standby_check", "unread_standby", False, (Utility.GPSTART,)),
)


def parse(utility: Utility, argv: Sequence[str]) -> ClusterOptions:
    """The command line `argv` (without the program's name).

    Raises:
        SystemExit: code 2 after a usage error, which went to stderr.
    """
    parser = OptionParser(prog=utility, usage="%prog [--help] [options] ", add_help_option=False)
    parser.add_option("--version", dest="version", action="store_true", default=False)
    for flag, long, field, takes_value, utilities in _OPTIONS:
        if utility not in utilities:
            continue
        flags = [f for f in (flag, long) if f]
        if takes_value:
            parser.add_option(*flags, dest=field, default=None)
        else:
            parser.add_option(*flags, dest=field, action="store_true", default=False)
    values, rest = parser.parse_args(list(argv))
    if rest:
        parser.error("too many arguments: only options may be specified")
    given = {field: getattr(values, field) for field in ClusterOptions.__slots__ if getattr(values, field, None)}
    if getattr(values, "fast", False):
        given["mode"] = "fast"
    if getattr(values, "immediate", False):
        given["mode"] = "immediate"
    return ClusterOptions(args=" ".join(argv), **given)


def run_program(name: str, run: Program, options: ClusterOptions, hands: ClusterHands, console: Console) -> int:
    """The first line, the run, and its end in the words of the real one."""
    console.info(f"Starting {name} with args: {options.args}")
    try:
        return run(options, hands, console)
    except Refused as fault:
        console.error(f"{name} error: {fault}")
    except (Failed, PracticeError) as fault:
        console.critical(f"{name} failed. (Reason='{fault}') exiting...")
    except CommandFailed as fault:
        console.critical(f"Error occurred: {fault}")
    except Declined:
        console.info("User abort requested, Exiting...")
        return 4
    return 2


def run_utility(utility: Utility, program: Program, argv: Sequence[str] | None = None) -> int:
    """Run as a command on the coordinator's host of a practice cluster."""
    options = parse(utility, sys.argv[1:] if argv is None else argv)
    with Control.connect() as control:
        facts = control.facts()
        if options.version:
            sys.stdout.write(version_line(utility, facts))
            return 0
        directory = options.data_directory or os.environ.get(facts.release.data_directory_variable)
        host = os.environ.get("GPMEDIC_PRACTICE_HOST", facts.coordinator.hostname)
        with log_file(utility) as log:

            def write(text: str) -> None:
                log.write(text)
                if not options.quiet:
                    sys.stdout.write(text)
                    sys.stdout.flush()

            console = Console(write, utility, host, facts.user)
            if directory is None:
                console.critical(f"{utility} failed. (Reason='{_unset(facts)}') exiting...")
                return 2
            idle = utility is Utility.GPSTART and lies(facts, Lie.GPSTART_SAYS_DONE)
            hands = (IdleClusterHands if idle else LiveClusterHands)(control, directory)
            return program(options, hands, console)


def _unset(facts: Facts) -> str:
    return f"Environment Variable {facts.release.data_directory_variable} not set!"
