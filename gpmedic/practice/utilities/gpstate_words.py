"""How the releases speak: 4.3 and 6 say master where 7 says coordinator; and the parts of a version's text."""

import re
from dataclasses import dataclass

from gpmedic.practice.facts import Facts, Release


@dataclass(frozen=True, slots=True)
class Words:
    """Attributes:
    coordinator, Coordinator: the word inside and at the beginning of a sentence.
    """

    coordinator: str
    Coordinator: str


def words(release: Release) -> Words:
    return Words("coordinator", "Coordinator") if release is Release.V7 else Words("master", "Master")


def initsystem_version(facts: Facts) -> str:
    """The product's version, as gp_version_at_initdb keeps it: "6.24.3 build commit:..."."""
    found = re.search(r"Greenplum Database\) (.*)", facts.utility_version)
    return found[1] if found else facts.utility_version


def postgres_version(facts: Facts) -> str:
    """`SHOW server_version`: "9.4.26"."""
    found = re.match(r"PostgreSQL (\S+)", facts.server_version)
    return found[1] if found else facts.server_version
