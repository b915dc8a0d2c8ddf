"""What this Greenplum can do: told by its version, its catalog's columns and the options that its utilities print."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gpmedic.cluster import Family, Generation, Version
from gpmedic.errors import AccessRefused

_VERSION: Final = re.compile(
    r"\((?P<family>Greenplum Database|(?:Apache )?Cloudberry(?: Database)?) "
    r"(?P<text>(?P<major>\d{1,4})\.(?P<minor>\d{1,4})[\w.+-]{0,60})"
)


class Support(Enum):
    """How far gpmedic goes with a version."""

    ACTS = "proven against recordings of this version's utilities"
    OBSERVES = "observed and reported, never acted on"


# The versions whose utilities gpmedic has been held against; every other one is only observed.
_ACTS_ON: Final = frozenset(
    {(Family.GREENPLUM, 4), (Family.GREENPLUM, 6), (Family.GREENPLUM, 7)},
)


def parse_version(text: str) -> Version:
    """The version in the answer to `SELECT version()`.

    Raises:
        AccessRefused: the answer is not that of Greenplum or Cloudberry.
    """
    found = _VERSION.search(text)
    if found is None:
        raise AccessRefused(
            f"The database calls itself {_printable(text)!r}: that is not Greenplum; nothing was touched.",
            "Check host, port and dbname of this cluster's database settings.",
        )
    family = Family.GREENPLUM if found["family"] == "Greenplum Database" else Family.CLOUDBERRY
    return Version(family, int(found["major"]), int(found["minor"]), found["text"])


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be asked of one cluster.

    Attributes:
        version: as `version()` tells it.
        columns: the columns of gp_segment_configuration, as discovered (T10).
        recover_options: what `gprecoverseg --help` printed (T11); empty where it was not asked.
    """

    version: Version
    columns: frozenset[str] = frozenset()
    recover_options: frozenset[str] = frozenset()

    @property
    def generation(self) -> Generation:
        return self.version.generation

    @property
    def support(self) -> Support:
        known = (self.version.family, self.version.major) in _ACTS_ON
        if (self.version.family, self.version.major) == (Family.GREENPLUM, 4):
            known = self.version.minor == 3
        return Support.ACTS if known else Support.OBSERVES

    @property
    def says_coordinator(self) -> bool:
        """From 7 on, and in Cloudberry, the master is called coordinator."""
        return self.version.family is Family.CLOUDBERRY or self.version.major >= 7

    @property
    def data_directory_variable(self) -> str:
        """The environment variable without which the utilities stop with a traceback (T27)."""
        return "COORDINATOR_DATA_DIRECTORY" if self.says_coordinator else "MASTER_DATA_DIRECTORY"

    @property
    def utility_role_guc(self) -> str:
        """The setting with which a session on a segment itself is opened (`PGOPTIONS=-c ...=utility`)."""
        return "gp_role" if self.says_coordinator else "gp_session_role"

    @property
    def has_fts_on_demand(self) -> bool:
        """Whether `gp_request_fts_probe_scan()` exists."""
        return self.generation is Generation.WAL

    @property
    def has_differential_recovery(self) -> bool:
        """Whether `gprecoverseg --differential` exists: by its help alone, the documentation is ahead of it (T11)."""
        return "--differential" in self.recover_options

    @property
    def group_may_read_datadir(self) -> bool:
        """7 and Cloudberry also start on a data directory of mode 0750; the others insist on 0700 (T26)."""
        return self.says_coordinator


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:80]
