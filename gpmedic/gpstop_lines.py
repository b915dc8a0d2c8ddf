"""The lines that gpstop and gpstart print and what each of them means, as tables of data.

From recorded runs of 4.3 and 6, and from the sources of 6 where nothing is recorded.
"""

import re
from enum import StrEnum


class StopOutcome(StrEnum):
    UNFINISHED = "unfinished"
    STOPPED = "stopped"
    STOPPED_WITH_ERRORS = "stopped, but not every segment"
    RESTARTING = "stopped and told to start"  # a start that works prints nothing: ask the cluster
    RELOADED = "configuration reloaded"
    RELOADED_PARTLY = "configuration reloaded, but not by every segment"
    ALREADY_STOPPED = "already stopped"
    ACTIVE_CONNECTIONS = "refused: sessions are open"
    ERROR = "error"


class StartOutcome(StrEnum):
    UNFINISHED = "unfinished"
    STARTED = "started"
    STARTED_PARTLY = "started, but not every segment or not the standby"  # segments down in the catalog are left out
    ALREADY_RUNNING = "already running"
    NOT_ENOUGH_SEGMENTS = "not enough segments: everything was stopped again"
    STANDBY_UNREACHABLE = "refused: the standby cannot be reached"
    ERROR = "error"


STOP_LINES: tuple[tuple[str, StopOutcome], ...] = (
    (r"Database successfully shutdown with no errors reported", StopOutcome.STOPPED),
    (r"Segment instance shutdown failures reported", StopOutcome.STOPPED_WITH_ERRORS),
    (r"Restarting System\.\.\.", StopOutcome.RESTARTING),
    (r"Signalling all postmaster processes to reload", StopOutcome.RELOADED),
    (r"Some segment postmasters were not reloaded", StopOutcome.RELOADED_PARTLY),
)
STOP_ERRORS: tuple[tuple[str, StopOutcome], ...] = (
    (r".*is Greenplum instance already stopped\?", StopOutcome.ALREADY_STOPPED),
    (r".*Active connections\. Aborting shutdown\.\.\.", StopOutcome.ACTIVE_CONNECTIONS),
    (r".*", StopOutcome.ERROR),
)
START_LINES: tuple[tuple[str, StartOutcome], ...] = (
    (r"Database successfully started", StartOutcome.STARTED),
    (r"Check status of database with gpstate utility", StartOutcome.STARTED_PARTLY),
    (r"Number of segments which failed to start: ", StartOutcome.STARTED_PARTLY),
    (r"Standby Master could not be started", StartOutcome.STARTED_PARTLY),
    (r"Non interactive mode detected\. Not starting the cluster\b", StartOutcome.STANDBY_UNREACHABLE),
)
START_ERRORS: tuple[tuple[str, StartOutcome], ...] = (
    (r".*Master instance process running", StartOutcome.ALREADY_RUNNING),
    (r".*Do not have enough valid segments to start the array\.", StartOutcome.NOT_ENOUGH_SEGMENTS),
    (r".*", StartOutcome.ERROR),
)

# Master stands for coordinator too; see `words`.
KNOWN = re.compile(
    r"|".join(
        (
            r" *",
            r"Starting (?:gpstop|gpstart) with args: ?.*",
            r"Gathering information and validating the environment\.\.\.",
            r"Obtaining Greenplum Master catalog information",
            r"Obtaining Segment details from master\.\.\.",
            r"Greenplum (?:Binary |Catalog )?Version: '.*'",
            # stop
            r"There are \d+ connections to the database",
            r"Commencing Master instance shutdown with mode=.*",
            r"Master host=.*",
            r"Detected \d+ connections to database",
            r"Switching to WAIT mode",
            r"Will wait for shutdown to complete, this may take some time if",
            r"there are a large number of active complex transactions, please wait\.\.\.",
            r"Master segment instance directory=.*",
            r"Stopping master segment and waiting for user connections to finish \.\.\.",
            r"Attempting forceful termination of any leftover master process",
            r"Terminating processes for segment .*",
            r"No standby master (?:host )?configured.*",
            r"Stopping master standby host \S+ mode=.*",
            r"Successfully shutdown standby process on \S+",
            r"Targeting dbid \[[\d, ]*\] for shutdown",
            r"Commencing parallel (?:primary |mirror |primary and mirror )?segment instance (?:shutdown|startup), .*",
            r"\d+\.\d+% of jobs completed",
            r" +\(stop was still attempted on these segments\)",
            r"Successfully (?:shutdown|started) \d+ of \d+ segment instances"
            r"(?:, skipped \d+ other segments)? ?(?:<<<<<<<<)?",
            r"(?:Cleaning up|No) leftover .*",
            r"Clearing .*",
            r"Setting recovery parameters",
            r"Commencing forced shutdown",
            r"Failed Segment Stop Information ?",
            r"Failed to shutdown master with pg_ctl\.",
            r"Sending SIG\w+ signal\.\.\.",
            r"Successfully shutdown master standby process on \S+",
            r"   Host +Datadir +Port +Status|   \S+ +/.* +\d+ +\w*",  # those that were not reloaded
            # start
            r"Master Stopped\.\.\.",
            r"Commencing forced instance shutdown",
            r"No socket connection or lock file in /tmp found for port=\d+",
            r"No Master instance process, entering recovery startup mode",
            r"(?:Have|No) lock file .* but (?:no|a) process running on port \d+",
            r"Skipping standby master startup",
            r"Starting Master instance .*",
            r"Setting new master era",
            r"Master Started\.\.\.",
            r"Shutting down master",
            r"Process results\.\.\.",
            r"Command pg_ctl reports Master \S+ instance active",
            r"Connecting to dbname='\S+' connect_timeout=\d+",
            r"Starting standby master",
            r"Checking if standby master is running on host: .*",
            r"Commencing recovery startup checks",
            r"Have lock file .* and a process running on port \d+",
            r"Skipping Standby activation status checking",
            r"dumping success segments: \[.*\]",
            r"DBID:\d+ +FAILED .*",
        )
    )
)
PLAIN = re.compile(r"server shutting down")
LABELS = {
    "Segments stopped successfully": "stopped",
    "Segments with errors during stop": "with_errors",
    "Segments that are currently marked down in configuration": "",
    "Successful segment starts": "started",
    "Failed segment starts": "failed",
    "Skipped segment starts (segments are marked down in configuration)": "skipped",
}


def words(message: str) -> str:
    """A message in the words of 6: since 7 the master is called coordinator, and Cloudberry calls itself so."""
    renamed = message.replace("Apache Cloudberry", "Greenplum").replace("Cloudberry", "Greenplum")
    return renamed.replace("coordinator", "master").replace("Coordinator", "Master")


def is_known(message: str) -> bool:
    decisive = (pattern for pattern, _ in (*STOP_LINES, *START_LINES))
    return bool(KNOWN.fullmatch(words(message))) or any(re.match(p, words(message)) for p in decisive)
