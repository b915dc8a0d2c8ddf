"""Stand-in for gpinitstandby -n: starts the standby of a practice cluster again, in the words of the real one.

6.24.3 as recorded; 4.3 and 7 are derived from it, not recorded. What makes or removes a standby is not stood in for.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from optparse import OptionParser  # what the real utility uses: its usage errors come out alike
from typing import NoReturn, Protocol

from gpmedic.practice.control import Control, PracticeError, Verb
from gpmedic.practice.facts import Facts, Release, SegmentFacts
from gpmedic.practice.fault import Lie
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_live import log_file
from gpmedic.practice.utilities.gprecoverseg_targets import reachable
from gpmedic.practice.utilities.gpstate_words import words
from gpmedic.practice.utilities.lies import lies
from gpmedic.practice.utilities.startup import Stopped, refusal

UTILITY = "gpinitstandby"


class CommandFailed(Exception):
    """A command on the standby's host ended badly."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        super().__init__(code, stdout, stderr)
        self.code, self.stdout, self.stderr = code, stdout, stderr


class StandbyHands(Protocol):
    """What gpinitstandby -n does to a cluster, apart from what it says."""

    @property
    def home(self) -> str:
        """GPHOME."""

    def facts(self) -> Facts: ...

    def start(self, standby: SegmentFacts) -> None:
        """Clear what a dead postmaster left, start it, wait until it recovers.

        Raises:
            CommandFailed: it does not start.
        """


@dataclass(frozen=True, slots=True)
class Options:
    """One command line; `restart` is -n, the only thing that is stood in for."""

    restart: bool = False
    quiet: bool = False


def parse(argv: Sequence[str]) -> Options:
    """The command line `argv` (without the program's name).

    Raises:
        SystemExit: code 2 after a usage error, which went to stderr.
    """
    parser = OptionParser(prog=UTILITY, add_help_option=False)
    parser.add_option("-a", action="store_true", dest="yes")
    parser.add_option("-n", "--no-update", action="store_true", dest="restart", default=False)
    parser.add_option("-q", "--quiet", action="store_true", dest="quiet", default=False)
    parser.add_option("-D", "--debug", action="store_true", dest="debug")
    parser.add_option("-l", "--logfile", dest="log_directory")
    values, _ = parser.parse_args(list(argv))
    return Options(values.restart, values.quiet)


def program(options: Options, hands: StandbyHands, console: Console, host: str) -> int:
    """One run on `host`: what it prints goes to `console`; returns the exit code."""
    if not options.restart:
        console.error("No action provided in the options.")
        return 2
    try:
        _restart(hands, console, host)
    except Stopped as stopped:
        return stopped.code
    return 0


def _restart(hands: StandbyHands, console: Console, host: str) -> None:
    facts = hands.facts()
    coordinator, standby = words(facts.release).coordinator, facts.standby
    refused = refusal(facts, host)
    if refused:
        _fail(console, coordinator, refused)
    if standby is None:
        console.error(f"Cannot use -n option when standby {coordinator} has not yet been configured")
        _fail(console, coordinator, f"Standby {coordinator} not configured")
    if any(row.content == standby.content for row in facts.replication):
        console.info(f"Standy {coordinator} is already up and running.")
        return
    console.info(f"Starting standby {coordinator}")
    console.info(
        f"Checking if standby {coordinator} is running on host: {standby.hostname}  in directory: {standby.datadir}"
    )
    try:
        _require_host(console, facts, standby)
        hands.start(standby)
    except CommandFailed as failed:
        command = _ssh_command(facts.release, hands.home, standby)
        _fail(
            console,
            coordinator,
            f"ExecutionError: 'non-zero rc: {failed.code}' occurred.  Details: '{command}'  cmd had"
            f" rc={failed.code} completed=True halted=False\n  stdout='{failed.stdout}'\n  stderr='{failed.stderr}'",
        )
    console.info(f"Successfully started standby {coordinator}")


def _require_host(console: Console, facts: Facts, standby: SegmentFacts) -> None:
    if not reachable(facts, standby.hostname):
        error = f"ssh: connect to host {standby.hostname} port 22: No route to host\r\n"
        console.warning(f"Unable to cleanup previously started standby: '{error}'")
        raise CommandFailed(255, "", error)


def _ssh_command(release: Release, home: str, standby: SegmentFacts) -> str:
    log = "log" if release is Release.V7 else "pg_log"
    options = "-c gp_role=dispatch" if release is Release.V7 else "-E"
    return (
        f'ssh -o StrictHostKeyChecking=no -o ServerAliveInterval=60 {standby.hostname} ". {home}/greenplum_path.sh;'
        f" env GPSESSID=0000000000 GPERA=None $GPHOME/bin/pg_ctl -D {standby.datadir} -l"
        f' {standby.datadir}/{log}/startup.log -t 600 -o \\" -p {standby.port} {options} \\" start"'
    )


def _fail(console: Console, coordinator: str, reason: str) -> NoReturn:
    console.error(f"Error initializing standby {coordinator}: {reason}")
    raise Stopped(2)


class LiveStandbyHands:
    """Args: control: of the practice cluster."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def home(self) -> str:
        return os.environ.get("GPHOME", "")

    def facts(self) -> Facts:
        return self._control.facts()

    def start(self, standby: SegmentFacts) -> None:
        if not standby.datadir_exists:
            raise CommandFailed(1, "", f'pg_ctl: directory "{standby.datadir}" does not exist\n')
        try:
            if standby.stale_pid_file:
                self._control.call(Verb.STOP_SEGMENT, dbid=standby.dbid)
            self._control.call(Verb.START_SEGMENT, dbid=standby.dbid)
        except PracticeError:
            waited = "waiting for server to start.... stopped waiting\n"
            raise CommandFailed(1, waited, "pg_ctl: could not start server\nExamine the log output.\n") from None


class IdleStandbyHands(LiveStandbyHands):
    """Everything succeeds, and nothing is done."""

    def start(self, standby: SegmentFacts) -> None:
        pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a command on the coordinator's host of a practice cluster."""
    options = parse(sys.argv[1:] if argv is None else argv)
    with Control.connect() as control, log_file(UTILITY) as log:
        facts = control.facts()
        hands = (IdleStandbyHands if lies(facts, Lie.GPINITSTANDBY_SAYS_DONE) else LiveStandbyHands)(control)
        host = os.environ.get("GPMEDIC_PRACTICE_HOST", facts.coordinator.hostname)
        return program(options, hands, Console(_both(log.write, options), UTILITY, host, facts.user), host)


def _both(keep: Callable[[str], object], options: Options) -> Callable[[str], None]:
    def write(text: str) -> None:
        keep(text)
        if not options.quiet:
            sys.stdout.write(text)
            sys.stdout.flush()

    return write


if __name__ == "__main__":
    sys.exit(main())
