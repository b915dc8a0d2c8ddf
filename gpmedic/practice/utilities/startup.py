"""How every utility that only needs the coordinator begins: its arguments, its version, the database's, the catalog."""

from os.path import realpath
from typing import NoReturn

from gpmedic.practice.facts import Answer, Facts
from gpmedic.practice.utilities.console import Console
from gpmedic.practice.utilities.gpstate_words import initsystem_version, words


class Stopped(Exception):
    """The utility has said why it cannot go on, and ends."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def version_line(utility: str, facts: Facts) -> str:
    """What --version prints."""
    return f"{utility} version {initsystem_version(facts)}\n"


def announce(console: Console, utility: str, args: str) -> None:
    console.info(f"Starting {utility} with args: {args}")


def require_data_directory(console: Console, utility: str, facts: Facts, directory: str | None) -> None:
    """Look for the configuration of the coordinator or standby where -d or the environment says that it is.

    Raises:
        Stopped: neither says so, or it is not there.
    """
    if not directory:
        fail(console, utility, f"Environment Variable {facts.release.data_directory_variable} not set!")
    instances = (facts.coordinator, facts.standby)
    if realpath(directory) not in [realpath(s.datadir) for s in instances if s is not None]:
        fail(console, utility, f"[Errno 2] No such file or directory: '{directory}/postgresql.conf'")


def connect(console: Console, utility: str, facts: Facts, host: str) -> None:
    """Print both versions and that the catalog is read, as a session on the coordinator of this host allows.

    Raises:
        Stopped: there is none.
    """
    speak = words(facts.release)
    console.info(f"local Greenplum Version: '{facts.utility_version}'")
    refused = refusal(facts, host)
    if refused:
        fail(console, utility, refused)
    console.info(f"{speak.coordinator} Greenplum Version: '{facts.server_version}'")
    console.info(f"Obtaining Segment details from {speak.coordinator}...")


def fail(console: Console, utility: str, reason: str) -> NoReturn:
    """Raises:
    Stopped: always.
    """
    console.critical(f"{utility} failed. (Reason='{reason}') exiting...")
    raise Stopped(2)


def refusal(facts: Facts, host: str) -> str:
    """What libpq says where the local port is no coordinator that accepts sessions; "" where it is one."""
    coordinator, standby = facts.coordinator, facts.standby
    if host == coordinator.hostname and coordinator.answer is Answer.ACCEPTS:
        return ""
    if host == coordinator.hostname and coordinator.answer is Answer.STARTING:
        return "FATAL:  the database system is starting up\n"
    if standby and host == standby.hostname and standby.answer is Answer.RECOVERS:
        replayed = next((row.replayed for row in facts.replication if row.content == standby.content), "0/0")
        return (
            "FATAL:  the database system is in recovery mode\n"
            f"DETAIL:  last replayed record at {replayed}\n- VERSION: {facts.server_version}\n"
        )
    return (
        "could not connect to server: Connection refused\n"
        '\tIs the server running on host "localhost" (127.0.0.1) and accepting\n'
        f"\tTCP/IP connections on port {coordinator.port}?\n"
    )
