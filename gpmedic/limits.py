"""What keeps gpmedic from acting on a cluster, whatever its state: for everybody who is shown that state."""

from dataclasses import dataclass

from gpmedic.automation import Automation


@dataclass(frozen=True, slots=True)
class Limits:
    """The policy of a cluster, and its brake.

    Attributes:
        brake: the file of the brake that is on and what stands in it; None where it is off, or nobody knows.
        unknown: why nobody knows whether it is on, which counts as on; "" where it is known.
    """

    automation: Automation
    brake: str | None = None
    unknown: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """For people; none where gpmedic may act."""
        said = []
        if self.automation is Automation.OBSERVE_ONLY:
            said.append("gpmedic only observes this cluster (policy.automation).")
        if self.brake is not None:
            said.append(f"The brake is on: {self.brake}")
        if self.unknown:
            said.append(f"Whether the brake is on is not known: {self.unknown}")
        return tuple(said)
