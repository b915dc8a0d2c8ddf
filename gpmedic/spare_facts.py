"""What was found out about a spare host before segments are moved to it: gathered by access, judged by precheck."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpmedic.room import TargetDirectory


@dataclass(frozen=True, slots=True)
class Hop:
    """One `ssh DESTINATION true`, run on `origin`.

    Attributes:
        exit_code: of ssh.
        said: what came out, which should be nothing (T12); one line.
    """

    origin: str
    destination: str
    exit_code: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class SpareFacts:
    """The spare, as the coordinator's host and the acting primaries' hosts see it.

    Attributes:
        reachable, detail, noise, version, clock_skew, packages: as in HostFacts.
        user: whom the login from the coordinator's host leads to.
        listening: ports that are taken there; None where it could not be told.
        directories: those into which the segments are to be copied.
        hops: ssh from the spare to the acting primaries' hosts, and from them to the spare.
        source_kb: by content, what is to be copied; contents whose size could not be told are missing.
        same_machine: names of acting primaries' hosts that lead to this machine too.
    """

    host: str
    reachable: bool
    detail: str = ""
    noise: str = ""
    user: str = ""
    version: str = ""
    clock_skew: float | None = None
    listening: frozenset[int] | None = None
    directories: tuple[TargetDirectory, ...] = ()
    hops: tuple[Hop, ...] = ()
    source_kb: Mapping[int, int] = field(default_factory=dict)
    packages: frozenset[str] | None = None
    same_machine: frozenset[str] = frozenset()

    def directory(self, path: str) -> TargetDirectory | None:
        return next((d for d in self.directories if d.path == path), None)
