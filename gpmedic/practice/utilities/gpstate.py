"""gpstate of the practice cluster: renders what the supervisor knows as the real one prints it.

4.3.99 and 6.24.3 are held line by line against recordings; 7 is derived from its sources and from logs that others have
published, not recorded.
"""

import os
import pwd
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpmedic.practice.control import Control, PracticeError
from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstate_configuration import (
    print_mirrors,
    print_pairs_of_catalog,
    print_ports,
    print_quick,
    print_standby,
    print_versions,
)
from gpmedic.practice.utilities.gpstate_errors import print_errors
from gpmedic.practice.utilities.gpstate_options import Options, Report, help_text, parse
from gpmedic.practice.utilities.gpstate_status import print_status, replication_warnings
from gpmedic.practice.utilities.gpstate_summary import print_summary
from gpmedic.practice.utilities.gpstate_view import View
from gpmedic.practice.utilities.gpstate_words import words
from gpmedic.practice.utilities.recovery_progress import read_progress
from gpmedic.practice.utilities.startup import Stopped, announce, connect, require_data_directory, version_line


@dataclass(frozen=True, slots=True)
class Caller:
    """Where and as whom gpstate runs.

    Attributes:
        data_directory: value of MASTER_DATA_DIRECTORY or COORDINATOR_DATA_DIRECTORY, None where it is not set.
        progress: the text of gprecoverseg's progress file, "" where there is none.
    """

    host: str
    user: str
    data_directory: str | None
    progress: str = ""


def render(facts: Facts, options: Options, caller: Caller, clock: Callable[[], str] | None = None) -> tuple[str, int]:
    """What gpstate prints on stdout, and its exit code.

    Args:
        clock: the time and process id that begin a log line, "20261123:08:46:40:010153"; None: now and ours.
    """
    if options.help:
        return help_text(facts.release), 0
    if options.version:
        return version_line("gpstate", facts), 0
    pieces: list[str] = []
    moment = {} if clock is None else {"moment": clock}
    console = Console(pieces.append, "gpstate", caller.host, caller.user, **moment)
    try:
        code = _run(console, facts, options, caller)
    except Stopped as stopped:
        code = stopped.code
    return ("" if options.quiet else "".join(pieces)), code


def _run(console: Console, facts: Facts, options: Options, caller: Caller) -> int:
    announce(console, "gpstate", options.args)
    if len(options.reports) > 1:
        console.error("gpstate: error: Too many output options specified")
        return 2
    require_data_directory(console, "gpstate", facts, options.data_directory or caller.data_directory)
    connect(console, "gpstate", facts, caller.host)
    report = options.reports[0] if options.reports else Report.SUMMARY
    return _report(console, View(facts), report, caller)


def _report(console: Console, view: View, report: Report, caller: Caller) -> int:
    speak = words(view.facts.release)
    match report:
        case Report.MIRRORS:
            return print_mirrors(console, view)
        case Report.PAIRS:
            return print_pairs_of_catalog(console, view)
        case Report.QUICK:
            return print_quick(console, view, speak)
        case Report.PORTS:
            return print_ports(console, view, speak)
        case Report.STANDBY:
            return print_standby(console, view, speak)
        case Report.EXPANSION:
            console.info("Cluster Expansion State = No Expansion Detected")
            return 0
        case Report.VERSIONS:
            _wait(console, "Loading version information")
            return print_versions(console, view)
        case Report.ERRORS if not view.facts.mirrored:
            console.info("Physical mirroring is not configured")
            return 1
        case _:
            _wait(console, "Gathering data from segments...")
    if report is not Report.SUMMARY and view.facts.release is not Release.V4_3:
        replication_warnings(console, view)
    if report is Report.ERRORS:
        return print_errors(console, view, caller.progress)
    if report is Report.STATUS:
        return print_status(console, view, speak)
    return print_summary(console, view, speak)


def _wait(console: Console, text: str) -> None:
    """The real one prints a dot for every second that the hosts take."""
    console.info(text)
    console.say(".\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run as `gpstate`; exit code as the real one."""
    try:
        with Control.connect() as control:
            facts = control.facts()
    except PracticeError as error:  # not a state of a Greenplum cluster, so no words of the real one
        sys.stderr.write(f"gpstate: {error}\n")
        return 2
    options = parse(sys.argv[1:] if argv is None else argv, facts.release)
    caller = Caller(
        host=os.environ.get("GPMEDIC_PRACTICE_HOST") or os.uname().nodename,
        user=os.environ.get("LOGNAME") or pwd.getpwuid(os.getuid()).pw_name,
        data_directory=os.environ.get(facts.release.data_directory_variable),
        progress="" if facts.release is Release.V4_3 else read_progress(),
    )
    text, code = render(facts, options, caller)
    _keep(text)
    sys.stdout.write(text)
    sys.stdout.flush()
    return code


def _keep(text: str) -> None:
    """The utilities keep their output in ~/gpAdminLogs, one file a day."""
    folder = Path.home() / "gpAdminLogs"
    folder.mkdir(exist_ok=True)
    with (folder / f"gpstate_{time.strftime('%Y%m%d')}.log").open("a") as log:
        log.write(text)


if __name__ == "__main__":
    sys.exit(main())
