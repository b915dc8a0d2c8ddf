"""Stand-in for gprecoverseg: recovers and rebalances the segments of a practice cluster, in the words of the real one.

4.3.99 and 6.24.3 as recorded; 7 is derived from 6 and its sources, not recorded.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gpmedic.practice.control import Control, PracticeError
from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.fault import Lie
from gpmedic.practice.utilities import gprecoverseg_filerep, gprecoverseg_wal
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_filerep_recovery import CommandFailed
from gpmedic.practice.utilities.gprecoverseg_hands import FilerepHands
from gpmedic.practice.utilities.gprecoverseg_live import LiveHands, log_file
from gpmedic.practice.utilities.gprecoverseg_lock import acquire, release, say_held
from gpmedic.practice.utilities.gprecoverseg_options import Options, help_text, parse
from gpmedic.practice.utilities.gprecoverseg_targets import Failed, Refused, UsageFault
from gpmedic.practice.utilities.gprecoverseg_text import Declined
from gpmedic.practice.utilities.lies import IdleHands, failing_at_last, lies
from gpmedic.practice.utilities.startup import version_line


def program(options: Options, which: Release, hands: FilerepHands, console: Console) -> int:
    """One run whose lock is held: what it prints goes to `console`; returns the exit code."""
    console.info(f"Starting gprecoverseg with args: {options.args}")
    run = gprecoverseg_filerep.run if which is Release.V4_3 else gprecoverseg_wal.run
    try:
        return run(options, hands, console)
    except UsageFault as fault:
        console.error(f"gprecoverseg: error: {fault}")
    except Refused as fault:
        console.error(f"gprecoverseg error: {fault}")
    except (Failed, PracticeError) as fault:
        console.critical(f"gprecoverseg failed. (Reason='{fault}') exiting...")
    except CommandFailed as fault:
        console.critical(f"Error occurred: {fault}")
    except Declined:
        console.info("User abort requested, Exiting...")
        return 4
    except KeyboardInterrupt:
        pass
    return 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a command on the coordinator's host of a practice cluster."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as the real one
    with Control.connect() as control:
        return _on(control, sys.argv[1:] if argv is None else argv)


def _on(control: Control, argv: Sequence[str]) -> int:
    facts = control.facts()
    directory = os.environ.get(facts.release.data_directory_variable)
    if directory is None:
        return without_directory(facts, sys.stderr.write)
    host = os.environ.get("GPMEDIC_PRACTICE_HOST", facts.coordinator.hostname)
    console = Console(_out, "gprecoverseg", host, facts.user)
    if lies(facts, Lie.GPRECOVERSEG_SAYS_LOCKED):
        say_held(console, facts.release, Path(directory), os.getppid())
        return 0
    holder = acquire(facts.release, Path(directory))
    if holder is not None:
        say_held(console, facts.release, Path(directory), holder)
        return 0  # T1
    try:
        options = parse(argv, facts.release)
        if options.help:
            _out(help_text(facts.release))
            return 0
        if options.version:
            _out(version_line("gprecoverseg", facts))
            return 0
        with log_file("gprecoverseg") as log:

            def write(text: str) -> None:
                log.write(text)
                if not options.quiet:
                    _out(text)

            make = IdleHands if lies(facts, Lie.GPRECOVERSEG_SAYS_DONE) else LiveHands
            hands = make(control, options.data_directory or directory)
            denies = lies(facts, Lie.GPRECOVERSEG_SAYS_FAILED)
            said = Console(failing_at_last(write) if denies else write, "gprecoverseg", host, facts.user)
            code = program(options, facts.release, hands, said)
            return 1 if denies and code else code
    finally:
        release(facts.release, Path(directory))


def _out(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def without_directory(facts: Facts, complain: Callable[[str], object]) -> int:
    """The real one looks for its lock before it reads its arguments, and nobody catches that it does not know where."""
    complain(
        "Traceback (most recent call last):\n"
        f"gppylib.commands.gp.GpError: Environment Variable {facts.release.data_directory_variable} not set!\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
