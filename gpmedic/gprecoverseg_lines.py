"""The lines that gprecoverseg prints and what each of them means, as tables of data.

From recorded runs of 4.3 and 6, and from the sources of late 6 and 7 where nothing is recorded.
"""

import re
from enum import Enum, StrEnum, auto

UTILITY = "gprecoverseg"

_N = r"\d+"


class RecoveryType(StrEnum):
    """How much is copied: the changes since the failure, the files that differ (late 6 and 7), or everything."""

    INCREMENTAL = "incremental"
    DIFFERENTIAL = "differential"
    FULL = "full"


class Event(Enum):
    """What a line tells about the run."""

    RECOVERED = auto()
    NOTHING_TO_RECOVER = auto()
    REBALANCED = auto()
    REBALANCED_WITH_WARNINGS = auto()
    NOTHING_TO_REBALANCE = auto()
    NONE_REBALANCED = auto()
    CONFIGURATION_WRITTEN = auto()
    DECLINED = auto()
    FAILED_LIST = auto()
    NESTED_BEGINS = auto()
    NESTED_ENDS = auto()
    PARAMETERS = auto()


EVENTS: tuple[tuple[Event, re.Pattern[str]], ...] = tuple(
    (event, re.compile(pattern))
    for event, pattern in (
        (Event.RECOVERED, r"Segments successfully recovered\."),
        (Event.RECOVERED, r"Updating segments for resynchronization is completed\."),  # 4.3, 5
        (Event.NOTHING_TO_RECOVER, r"No segments to recover"),
        (Event.REBALANCED, r"The rebalance operation has completed successfully\."),
        (Event.REBALANCED_WITH_WARNINGS, r"The rebalance operation has completed with WARNINGS\..*"),
        (
            Event.NOTHING_TO_REBALANCE,
            r"No segments are running in their non-preferred role and need to be rebalanced\.",
        ),
        (Event.NONE_REBALANCED, r"No segments to rebalance"),
        (Event.CONFIGURATION_WRITTEN, r"Configuration file output to .+ successfully\."),
        (Event.DECLINED, r"User abort requested, Exiting\.\.\."),
        (
            Event.FAILED_LIST,
            r"(?:Failed to (?:recover|start|setup recovery for)|Did not start) the following segments\b.*",
        ),
        (Event.NESTED_BEGINS, r"=+START ANOTHER RECOVER=+"),
        (Event.NESTED_ENDS, r"=+END ANOTHER RECOVER=+"),
        (Event.PARAMETERS, r"(?:Greenplum|(?:Apache )?Cloudberry) instance recovery parameters"),
    )
)

CONTROLDATA = re.compile(r"Successfully finished pg_controldata .+ for dbid \d+:")

KNOWN_INFO = tuple(
    re.compile(pattern)
    for pattern in (
        "",
        r"Starting gprecoverseg with args: ?.*",
        r"(?:local|master|coordinator) (?:Greenplum|Apache Cloudberry|Cloudberry)(?: Database)? Version: '.*'",
        r"Obtaining Segment details from (?:master|coordinator)\.\.\.",
        r"Checking if segments are ready",
        CONTROLDATA.pattern,
        r"Heap checksum setting is consistent between .+ and the segments that are candidates for recoverseg",
        r"No checksum validation necessary when there are no segments to recover\.",
        # before the recovery
        r"Starting to (?:create new|modify) pg_hba\.conf on primary segments",
        r"Successfully modified pg_hba\.conf on primary segments to allow replication connections",
        rf"{_N} segment\(s\) to recover",
        rf"Ensuring {_N} failed segment\(s\) are stopped",
        r"Ensuring that shared memory is cleaned up for stopped segments",
        r"Skipping to stop segment .+ on host .+ since it is not a postgres process",
        r"Skipping shared memory cleanup and gpsegstop on unreachable host: \S+ segment: .+",
        rf"{_N}: /.+",  # process and data directory of a segment that is stopped for being moved
        r"Waiting for segments to be marked down\.",
        rf"This may take up to {_N} seconds on large clusters\.",
        rf"{_N} of {_N} segments have been marked down\.",
        rf"Cleaning files from {_N} segment\(s\)",
        r"Syncing (?:Greenplum|(?:Apache )?Cloudberry) Database extensions",
        r"None of the reachable segments require update to pg_hba\.conf",
        r"Updating pg_hba\.conf entries on primary \S+:\S+ with new mirror \S+ information",
        # 4.3 and 5
        r"Building template directory",
        r"Validating remote directories",
        r"Copying template directory file",
        r"Configuring new segments",
        r"Cleaning files",
        r"Starting file move procedure for .+",
        r"Updating configuration with new mirrors",
        r"Updating mirrors",
        r"Starting mirrors",
        r"Commencing parallel primary and mirror segment instance startup, please wait\.\.\.",
        r"Process results\.\.\.",
        r"Updating configuration to mark mirrors up",
        r"Updating primaries",
        rf"Commencing parallel primary conversion of {_N} segments, please wait\.\.\.",
        r"Done updating primaries",
        r"For segments updated successfully, resynchronization will continue in the background\.",
        r"Use  gpstate -s  to check the resynchronization progress\.",
        rf"Unable to connect to database\. Retrying {_N}",
        # 6 and 7
        r"Setting up the required segments for recovery",
        r"Updating configuration for mirrors",
        r"Initiating segment recovery\. Upon completion, will start the successfully recovered segments",
        r"era is \S+",
        r"Triggering FTS probe",
        r"Recovered mirror segments need to sync WAL with primary segments\.",
        r"Use 'gpstate -e' to check progress of WAL sync remaining bytes",
        r"Not able to terminate the recovery process since it has been completed successfully\.",
        # rebalance
        r"Allowed replay lag during rebalance is [\d.]+ GB",  # 7
        r"Getting unbalanced segments",
        r"Determining primary and mirror segment pairs to rebalance",
        r"Stopping unbalanced primary segments\.\.\.",
        r"gprecoverseg will continue with a partial rebalance\.",
        r"Triggering segment reconfiguration",
        r"Starting segment synchronization",
        r"There is a resynchronization running in the background to bring all",
        r"segments in sync\.",
        r"Use gpstate -e to check the resynchronization progress\.",
    )
)

UNREACHABLE_HOST = re.compile(r"Host (?P<host>\S+) is unreachable")
NOT_RECOVERING = re.compile(r"Not recovering segment (?P<dbid>\d{1,9}) because (?P<host>\S+) is unreachable")
NOT_REBALANCING = re.compile(
    r"Not rebalancing primary segment dbid (?P<primary>\d{1,9}) with its mirror dbid (?P<mirror>\d{1,9}) because .+"
)
ALREADY_COPYING = re.compile(
    r"Found .+ running for segments with contentIds \[(?P<contents>\d{1,9}(?:, \d{1,9})*)\], "
    r"skipping recovery of these segments"
)

KNOWN_WARNINGS = (
    UNREACHABLE_HOST,
    NOT_RECOVERING,
    NOT_REBALANCING,
    ALREADY_COPYING,
    *(
        re.compile(pattern)
        for pattern in (
            r"Marking segment \d+ down because \S+ is unreachable",
            r"Rec(?:ie|ei)ved SIG\w+ signal, terminating gprecoverseg",  # spelled as printed by 7
            r" -[ro] flag does not support the use of --max-rate, hence --max-rate will be ignored",
            r"One or more hosts are not reachable via SSH\. .*",
            r"cannot access pg_controldata for dbid \d+ on host \S+",
            r"Unable to determine if .+ is symlink\. Assuming it is not symlink",
            r"Unable to clean up shared memory for stopped segments on host \(\S+\)",
            r"Segment is being recovered to the same host as its primary: .+",
            r"Failed to resolve hostname for \S+",
            r"Lookup of \S+ failed\.  Using \S+ for both hostname and address\.",
            r"Please run gppkg --clean after successful segment recovery\.",
            r"This operation will cancel queries that are currently executing\.",
            r"Connections to the database however will not be interrupted\.",
            r"(?:%d|\d+) segments failed to stop\.  A full rebalance of the",
            r"system is not possible at this time\.  Please check the",
            r"log files, correct the problem, and run gprecoverseg -r",
            r"again\.",
        )
    ),
)

LOCKED = (
    re.compile(r"Lockfile .+ indicates that an instance of gprecoverseg is already running with PID (?P<pid>\d{1,10})"),
    re.compile(r"An instance of gprecoverseg is already running \(pid (?P<pid>\d{1,10})\)"),  # 4.3, 5
)

GAVE_UP = re.compile(r"gprecoverseg(?: failed\. |:? error:).*|Error occurred: .*")
SOME_FAILED = re.compile(r"gprecoverseg (?:differential recovery )?failed\. Please check .*")

RECOVERY = re.compile(r"Recovery (?P<number>\d{1,9}) of (?P<total>\d{1,9})")
UNBALANCED = re.compile(r"Unbalanced segment (?P<number>\d{1,9}) of (?P<total>\d{1,9})")
SOURCES = tuple(
    re.compile(pattern)
    for pattern in (
        r"Recovery type              = (?:Standard|Rebalance|Pool Host)",
        r"Pool host for recovery     = .+",
        r"Recovery from configuration -i option supplied",
    )
)
FAILED_SEGMENT = re.compile(
    r" hostname: (?P<host>\S+); port: (?P<port>\d{1,9}); "
    r"(?:logfile: (?P<logfile>.+); recoverytype: (?P<type>incremental|differential|full)|datadir: (?P<datadir>.+)"
    r"|error: (?P<error>.*))"
)
# "sdw2 (dbid 4): 253021/479744 kB (52%) copied", or any other text of pg_rewind, pg_basebackup or rsync
WORKER = re.compile(r"(?P<host>\S+) \(dbid (?P<dbid>\d{1,9})\): (?P<text>.*)")
PROMPT = re.compile(
    r"Continue with segment (?:recovery|rebalance) procedure Yy\|Nn \(default=N\):|> Invalid input: .*|> "
)
PLAIN = (re.compile(r"updating flat files"), PROMPT)
