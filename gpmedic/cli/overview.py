"""`gpmedic status --all`: every registered cluster on one page, whatever has more to say first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from gpmedic.access.limits import look_at_limits
from gpmedic.access.observe import observe
from gpmedic.cli.choose import load_running, none_registered, registered_clusters
from gpmedic.conditions import Severity
from gpmedic.diagnosis import Diagnosis
from gpmedic.errors import GpmedicError
from gpmedic.json_shapes import ErrorJson, StatusJson
from gpmedic.limits import Limits
from gpmedic.report_json import diagnosis_json
from gpmedic.table import Table

AT_ONCE: Final = 16
_ORDER: Final = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True)
class Line:
    """One cluster: what was found, or why nothing could be."""

    cluster: str
    found: tuple[Diagnosis, Limits] | None = None
    error: GpmedicError | None = None

    @property
    def exit_code(self) -> int:
        """As that of `gpmedic status` for this cluster alone."""
        if self.found is None:
            return 2
        return 0 if self.found[0].healthy else 1

    @property
    def urgency(self) -> tuple[int, int, str]:
        """What sorts a list so that the worst comes first."""
        severities = [f.facts.severity for f in self.found[0].findings] if self.found is not None else []
        return -self.exit_code, min(map(_ORDER.index, severities), default=len(_ORDER)), self.cluster

    @property
    def cells(self) -> tuple[str, ...]:
        """Cluster, version, state, what is wrong, next."""
        if self.found is None:
            return (
                self.cluster,
                "-",
                "ERROR",
                *((self.error.message, self.error.next_action) if self.error else ("", "")),
            )
        diagnosis, limits = self.found
        version = "-" if diagnosis.cluster is None else str(diagnosis.cluster.version)
        worst = min(diagnosis.findings, key=lambda f: _ORDER.index(f.facts.severity), default=None)
        wrong = "; ".join((*(f"{f.facts.title}: {f.detail}" for f in diagnosis.findings), *limits.sentences))
        state = "healthy" if worst is None else "ACTION NEEDED"
        return self.cluster, version, state, wrong, "" if worst is None else worst.facts.next_action

    @property
    def json(self) -> StatusJson | ErrorJson:
        """As `gpmedic status --json`, or an object with cluster, error and next_action."""
        if self.found is not None:
            return diagnosis_json(*self.found)
        assert self.error is not None  # noqa: S101 (one of both is there)
        return {"cluster": self.cluster, "error": self.error.message, "next_action": self.error.next_action}


def look_at_all() -> tuple[Line, ...]:
    """Every registered cluster, several at a time, the worst first; those of drills are left out.

    Raises:
        AccessRefused: none is registered.
    """
    names = registered_clusters()
    if not names:
        raise none_registered()
    with ThreadPoolExecutor(AT_ONCE) as looking:
        return tuple(sorted(looking.map(_look, names), key=lambda line: line.urgency))


def table(lines: Sequence[Line]) -> Table:
    return Table(("cluster", "version", "state", "what", "next"), tuple(line.cells for line in lines))


def _look(name: str) -> Line:
    try:
        settings = load_running(name)
        return Line(name, (observe(settings).diagnosis, look_at_limits(settings)))
    except GpmedicError as error:
        return Line(name, error=error)
