"""Stand-in for gpstop: stops, restarts or reloads a practice cluster, in the words of the real one.

4.3.99 and 6.24.3 as recorded; 7 is derived from 6 (the coordinator's new name), not recorded.
"""

import sys

from gpmedic.cluster import Status
from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.utilities import gpstart
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gprecoverseg_targets import reachable
from gpmedic.practice.utilities.gprecoverseg_text import ask, refused_connection
from gpmedic.practice.utilities.gpstop_hands import (
    ClusterHands,
    ClusterOptions,
    CommandFailed,
    Failed,
    Refused,
    coordinator_word,
    data_segments,
    standby,
)
from gpmedic.practice.utilities.gpstop_main import Utility, run_program, run_utility
from gpmedic.practice.utilities.table import Table

RULER = "-" * 44


def program(options: ClusterOptions, hands: ClusterHands, console: Console) -> int:
    """One run: what it prints goes to `console`; returns the exit code."""
    return run_program("gpstop", _run, options, hands, console)


def _run(options: ClusterOptions, hands: ClusterHands, console: Console) -> int:
    console.info("Gathering information and validating the environment...")
    facts = hands.facts()
    word = coordinator_word(facts.release)
    _check_running(console, facts)
    console.info(f"Obtaining Greenplum {word} catalog information")
    console.info(f"Obtaining Segment details from {word.lower()}...")
    if facts.coordinator.pid is None:
        raise Failed(refused_connection('"localhost" (127.0.0.1)', facts.coordinator.port))
    console.info(f"Greenplum Version: '{facts.utility_version}'")
    if options.reload:
        console.info("Signalling all postmaster processes to reload")
        hands.reload()
        return 0
    if not options.yes:
        _ask(options, hands, console, facts)
    _stop_coordinator(options, hands, console, facts)
    if options.coordinator_only:
        hands.stop_coordinator()
        return 0
    code = _stop_rest(options, hands, console, facts)
    if options.restart:
        console.info("Restarting System...")
        _restart(hands, console)
    return code


def _check_running(console: Console, facts: Facts) -> None:
    """A postmaster.pid must be there; one that nobody owns is cleared, and then the catalog cannot be read."""
    word = coordinator_word(facts.release)
    if facts.coordinator.pid is not None:
        return
    if not facts.coordinator.stale_pid_file:
        raise Refused("postmaster.pid file does not exist.  is Greenplum instance already stopped?")
    console.warning(f"Have a postmaster.pid file but no {word} segment process running")
    console.info("Clearing postmaster.pid file and /tmp lock files")
    console.info(f"Clearing {word} instance lock files")
    console.info(f"Clearing {word} instance pid file")
    console.info("Setting recovery parameters")
    console.info("Commencing forced shutdown")


def _ask(options: ClusterOptions, hands: ClusterHands, console: Console, facts: Facts) -> None:
    if not options.coordinator_only:
        _say_parameters(options, console, facts)
    word = coordinator_word(facts.release).lower()
    what = f"{word}-only" if options.coordinator_only else "Greenplum instance"
    ask(console, f"Continue with {what} shutdown", hands.reply)


def _say_parameters(options: ClusterOptions, console: Console, facts: Facts) -> None:
    word = coordinator_word(facts.release)
    console.info(RULER)
    console.info(f"{word} instance parameters")
    console.info(RULER)
    table = Table()
    table.info(f"{word} Greenplum instance process active PID", f"= {facts.coordinator.pid}")
    table.info("Database", "= template1")
    table.info(f"{word} port", f"= {facts.coordinator.port}")
    table.info(f"{word} directory", f"= {facts.coordinator.datadir}")
    table.info("Shutdown mode", f"= {options.mode}")
    table.info("Timeout", "= 120")
    table.info(f"Shutdown {word} standby host", f"= {'On' if standby(facts) else 'Off'}")
    table.print(console)
    console.info(RULER)
    console.info("Segment instances that will be shutdown:")
    console.info(RULER)
    rows = Table().info("Host", "Datadir", "Port", "Status")
    for segment in data_segments(facts):
        rows.info(segment.hostname, segment.datadir, str(segment.port), segment.status)
    rows.print(console)


def _stop_coordinator(options: ClusterOptions, hands: ClusterHands, console: Console, facts: Facts) -> None:
    word = coordinator_word(facts.release)
    if facts.release is Release.V4_3:
        _stop_filerep_coordinator(options, hands, console, facts)
    else:
        console.info(f"Commencing {word} instance shutdown with mode='{options.mode}'")
        console.info(f"{word} segment instance directory={hands.data_directory}")
        if options.mode == "smart":
            console.info(f"Stopping {word.lower()} segment and waiting for user connections to finish ...")
            console.say("server shutting down\n")
            hands.await_sessions()
    console.info(f"Attempting forceful termination of any leftover {word.lower()} process")
    console.info(f"Terminating processes for segment {hands.data_directory}")


def _stop_filerep_coordinator(options: ClusterOptions, hands: ClusterHands, console: Console, facts: Facts) -> None:
    """T29: 4.3 counts sessions first, and with any of them refuses the smart mode."""
    count = hands.sessions()
    console.info(f"There are {count} connections to the database")
    if count and options.mode == "smart":
        console.warning("There are other connections to this instance, shutdown mode smart aborted")
        console.warning("Either remove connections, or use 'gpstop -M fast' or 'gpstop -M immediate'")
        console.warning("See gpstop -? for all options")
        raise Refused("Active connections. Aborting shutdown...")
    console.info(f"Commencing Master instance shutdown with mode='{options.mode}'")
    console.info(f"Master host={facts.coordinator.hostname}")
    if count:
        console.info(f"Detected {count} connections to database")
        console.info("Switching to WAIT mode")
        console.info("Will wait for shutdown to complete, this may take some time if")
        console.info("there are a large number of active complex transactions, please wait...")
    console.info(f"Commencing Master instance shutdown with mode={options.mode}")
    console.info(f"Master segment instance directory={hands.data_directory}")


def _stop_rest(options: ClusterOptions, hands: ClusterHands, console: Console, facts: Facts) -> int:
    word = coordinator_word(facts.release).lower()
    second = None if facts.release is Release.V4_3 else standby(facts)
    segments = data_segments(facts)
    if second is None:
        console.info(f"No standby {word} host configured")
    elif not reachable(facts, second.hostname):
        console.warning("Standby is unreachable, skipping shutdown on standby")
    else:
        console.info(f"Stopping {word} standby host {second.hostname} mode={options.mode}")
        console.info(f"Successfully shutdown standby process on {second.hostname}")
    if facts.release is not Release.V4_3:
        console.info(f"Targeting dbid {[s.dbid for s in segments]} for shutdown")
    hands.stop()
    for kind in ("primary ", "mirror ") if facts.mirrored else ("",):
        console.info(f"Commencing parallel {kind}segment instance shutdown, please wait...")
        console.info("0.00% of jobs completed")
        console.info("100.00% of jobs completed")
    return _say_result(console, facts)


def _say_result(console: Console, facts: Facts) -> int:
    segments = data_segments(facts)
    down = [s for s in segments if s.status is Status.DOWN]
    failed = [s for s in segments if s not in down and not reachable(facts, s.hostname)]
    stopped = len(segments) - len(failed)
    table = Table().separator().info("Segments stopped successfully", f"= {stopped}")
    errors = ("Segments with errors during stop", f"= {len(failed)}")
    if failed:
        table.warning(*errors)
    else:
        table.info(*errors)
    if down:
        table.info("")
        table.warning("Segments that are currently marked down in configuration", f"= {len(down)}")
        table.info("         (stop was still attempted on these segments)")
    table.separator().print(console)
    flag = "<<<<<<<<" if failed else ""
    console.info(f"Successfully shutdown {stopped} of {len(segments)} segment instances {flag}")
    if failed:
        console.warning("-" * 48)
        console.warning("Segment instance shutdown failures reported")
        console.warning(f"Failed to shutdown {len(failed)} of {len(segments)} segment instances <<<<<")
        console.warning(f"A total of {len(failed)} errors were encountered")
        console.warning("For more details on segment shutdown failure(s)")
        console.warning("-" * 48)
    else:
        console.info("Database successfully shutdown with no errors reported")
    console.info("Cleaning up leftover gpmmon process")
    console.info("No leftover gpmmon process found")
    console.info("Cleaning up leftover gpsmon processes")
    console.info("No leftover gpsmon processes on some hosts. not attempting forceful termination on these hosts")
    console.info("Cleaning up leftover shared memory")
    return 2 if failed else 0


def _restart(hands: ClusterHands, console: Console) -> None:
    """Start again; what gpstart says is only shown when it fails (T28)."""
    said: list[str] = []
    args = f"-a -d {hands.data_directory}"
    options = ClusterOptions(args=args, yes=True, data_directory=hands.data_directory)
    code = gpstart.program(options, hands, console.for_command(said.append, "gpstart"))
    if code:
        raise CommandFailed(
            f"non-zero rc: {code}\n Command was: '$GPHOME/bin/gpstart {args}'\n"
            f"rc={code}, stdout='{''.join(said)}', stderr=''"
        )


if __name__ == "__main__":
    sys.exit(run_utility(Utility.GPSTOP, program))
