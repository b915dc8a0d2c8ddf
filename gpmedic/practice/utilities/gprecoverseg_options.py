"""The options of gprecoverseg in each release, as a table; usage errors read like those of the real one.

4.3.99 and 6.24.3 as recorded. 7 is derived from its sources, not recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from optparse import SUPPRESS_HELP, OptionParser  # what the real utilities use: their usage errors come out alike

from gpmedic.practice.facts import Release

ALL = frozenset(Release)
WAL = frozenset({Release.V6, Release.V7})
V4_3 = frozenset({Release.V4_3})
V7 = frozenset({Release.V7})


@dataclass(frozen=True, slots=True)
class Option:
    """One option; `metavar` names its value, "" where it takes none."""

    flag: str
    field: str
    metavar: str
    releases: frozenset[Release]
    meaning: str


OPTIONS = (
    Option("-a", "yes", "", ALL, "Do not ask for confirmation."),
    Option("-B", "hosts", "batch_size", ALL, "How many hosts are worked on in parallel."),
    Option("-b", "per_host", "segment_batch_size", WAL, "How many segments of a host are worked on in parallel."),
    Option("-d", "data_directory", "data_directory", ALL, "The data directory of this host's instance."),
    Option("--differential", "differential", "", V7, "Copy only the files that differ."),
    Option("--disable-replay-lag", "no_replay_lag", "", V7, "Do not look at the replay lag before a rebalance."),
    Option("-F", "full", "", ALL, "Copy everything, not only what has changed."),
    Option("--hba-hostnames", "hba_hostnames", "", WAL, "Write host names into pg_hba.conf, not addresses."),
    Option("-i", "config_file", "recover_config_file", ALL, "Recover the segments that this file names."),
    Option("-l", "log_directory", "logfile_directory", ALL, "Where the log file goes."),
    Option("--max-rate", "max_rate", "max_rate", V7, "Limit of the transfer rate of a full copy."),
    Option("--no-progress", "no_progress", "", WAL, "Do not show progress."),
    Option("-o", "output_file", "output_recover_config_file", ALL, "Only write a sample file for -i."),
    Option("-p", "new_hosts", "new_recover_host[,...]", ALL, "Recover to these spare hosts."),
    Option("-q", "quiet", "", ALL, "Print nothing."),
    Option("-r", "rebalance", "", ALL, "Give every segment its preferred role."),
    Option("--replay-lag", "replay_lag", "replay_lag", V7, "The replay lag in GB up to which a rebalance is done."),
    Option("-s", "sequential", "", WAL, "Show progress line after line."),
    Option("-s", "filespaces", "filespace_config_file", V4_3, "Recover to the filespaces that this file names."),
    Option("-S", "sample_filespaces", "output_filespace_config_file", V4_3, "Only write a sample file for -s."),
    Option("-v", "verbose", "", ALL, "Say more."),
)


@dataclass(frozen=True, slots=True)
class Options:
    """One command line.

    Attributes:
        args: as typed, for the first line that is printed.
        hosts, per_host: degrees of parallelism, None where not given.
    """

    args: str
    yes: bool = False
    full: bool = False
    differential: bool = False
    rebalance: bool = False
    quiet: bool = False
    no_progress: bool = False
    config_file: str | None = None
    output_file: str | None = None
    new_hosts: str | None = None
    data_directory: str | None = None
    hosts: int | None = None
    per_host: int | None = None
    help: bool = False
    version: bool = False


def parse(argv: Sequence[str], release: Release) -> Options:
    """The command line `argv` (without the program's name).

    Raises:
        SystemExit: code 2 after a usage error, which went to stderr.
    """
    parser = OptionParser(prog="gprecoverseg", usage="%prog [--help] [options] ", add_help_option=False)
    parser.add_option("-?", "--help", dest="help", action="store_true", default=False, help=SUPPRESS_HELP)
    parser.add_option("--version", dest="version", action="store_true", default=False, help=SUPPRESS_HELP)
    for option in OPTIONS:
        if release not in option.releases:
            continue
        if option.metavar:
            kind = "int" if option.field in ("hosts", "per_host") else "string"
            parser.add_option(option.flag, dest=option.field, type=kind, default=None)
        else:
            parser.add_option(option.flag, dest=option.field, action="store_true", default=False)
    values, rest = parser.parse_args(list(argv))
    if rest:
        parser.error("too many arguments: only options may be specified")
    known = {field: getattr(values, field) for field in Options.__slots__ if hasattr(values, field)}
    return Options(args=" ".join(argv), **known)


RULER = "*" * 54


def help_text(release: Release) -> str:
    """What --help prints: the layout of the real one, its prose in our own words."""
    options = [option for option in OPTIONS if release in option.releases]
    synopsis = " ".join(f"[{option.flag}{f' <{option.metavar}>' if option.metavar else ''}]" for option in options)
    described = "\n\n\n".join(
        f"{option.flag}{f' <{option.metavar}>' if option.metavar else ''}\n\n{option.meaning}" for option in options
    )
    return "\n".join(
        (
            "COMMAND NAME: gprecoverseg",
            "",
            "Recovers a primary or mirror segment instance that has been marked as down.",
            "",
            RULER,
            "Synopsis",
            RULER,
            "",
            f"gprecoverseg {synopsis}",
            "",
            "",
            "gprecoverseg -?",
            "",
            "gprecoverseg --version",
            "",
            RULER,
            "OPTIONS",
            RULER,
            "",
            described,
            "",
            "",
            "--version",
            "",
            "Displays the version of this utility.",
            "",
            "",
            "-?",
            "",
            "Displays this help.",
            "",
        )
    )
