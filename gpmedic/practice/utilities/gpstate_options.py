"""gpstate's command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from optparse import SUPPRESS_HELP, OptionParser  # what the real utilities use: their usage errors come out alike

from gpmedic.practice.facts import Release


class Report(StrEnum):
    """What is asked for; the value is the option."""

    MIRRORS = "-m"
    PAIRS = "-c"
    QUICK = "-Q"
    STATUS = "-s"
    VERSIONS = "-i"
    PORTS = "-p"
    STANDBY = "-f"
    SUMMARY = "-b"
    ERRORS = "-e"
    EXPANSION = "-x"


MEANINGS = {
    Report.MIRRORS: "List the mirrors, from the catalog.",
    Report.PAIRS: "List primaries with their mirrors, from the catalog.",
    Report.QUICK: "Count the segments that are up and down, from the catalog.",
    Report.STATUS: "Show every instance in detail.",
    Report.VERSIONS: "Show the version of every instance.",
    Report.PORTS: "List the ports.",
    Report.STANDBY: "Show the standby.",
    Report.SUMMARY: "Show a summary; this is the default.",
    Report.ERRORS: "Show only what needs attention.",
    Report.EXPANSION: "Show the state of an expansion.",
}


@dataclass(frozen=True, slots=True)
class Options:
    """One command line.

    Attributes:
        args: as typed, for the first line that is printed.
        reports: what was asked for; more than one is an error that gpstate itself reports.
        data_directory: of -d, None where the environment decides.
    """

    args: str
    reports: tuple[Report, ...] = ()
    quiet: bool = False
    data_directory: str | None = None
    help: bool = False
    version: bool = False


def parse(argv: Sequence[str], release: Release) -> Options:
    """The command line `argv` (without the program's name).

    Raises:
        SystemExit: code 2 after a usage error, which went to stderr.
    """
    parser = OptionParser(prog="gpstate", usage="%prog [--help] [options] ", add_help_option=False)
    for report in reports_of(release):
        parser.add_option(report.value, dest=report.name, action="store_true", default=False)
    for flags, name in (
        (("-?", "-h", "--help"), "help"),
        (("--version",), "version"),
        (("-a",), "non_interactive"),
        (("-q", "--quiet"), "quiet"),
        (("-v", "--verbose"), "verbose"),
    ):
        parser.add_option(*flags, dest=name, action="store_true", default=False, help=SUPPRESS_HELP)
    parser.add_option("-d", "--master_data_directory", dest="data_directory", default=None)
    parser.add_option("-l", "--logfileDirectory", dest="log_directory", default=None)
    parser.add_option("-B", dest="parallel", type="int", default=16)
    values, rest = parser.parse_args(list(argv))
    if rest and not values.help:
        parser.error("too many arguments: only options may be specified")
    return Options(
        args=" ".join(argv),
        reports=tuple(report for report in reports_of(release) if getattr(values, report.name)),
        quiet=values.quiet,
        data_directory=values.data_directory,
        help=values.help,
        version=values.version,
    )


def reports_of(release: Release) -> tuple[Report, ...]:
    """4.3 knows no -x."""
    return tuple(r for r in Report if r is not Report.EXPANSION or release is not Release.V4_3)


def help_text(release: Release) -> str:
    """What --help prints: the options of the real one, its prose in our own words."""
    described = "".join(f"\n{report.value}\n\n{MEANINGS[report]}\n" for report in reports_of(release))
    return f"COMMAND NAME: gpstate\n\nShows the status of a running Greenplum Database system.\n{described}"
