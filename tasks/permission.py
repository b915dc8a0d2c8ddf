"""Whether gpmedic may change this cluster at all: its policy, and the brake that a person may have pulled."""

from gpmedic.access.brake import require_released
from gpmedic.access.ssh import Shell
from gpmedic.errors import ObserveOnly
from gpmedic.policy import Automation
from gpmedic.settings import ClusterSettings


def require_permission(settings: ClusterSettings, shell: Shell | None = None) -> None:
    """Return where disruptive steps may be proposed and, once approved, run.

    Args:
        shell: on the coordinator's host; None to log in for this question.

    Raises:
        ObserveOnly: the cluster's policy is to observe only.
        Braked: the brake is on.
        HostUnreachable: the brake cannot be looked at, so it counts as on.
    """
    if settings.policy.automation is Automation.OBSERVE_ONLY:
        raise ObserveOnly(
            f"{settings.name} is only observed (policy.automation = {Automation.OBSERVE_ONLY.value!r});"
            " nothing was touched.",
            f"Read the plan (gpmedic plan {settings.name}). To let gpmedic act after approvals, set policy.automation"
            f" = {Automation.WITH_APPROVAL.value!r} in the cluster's file or block.",
        )
    if shell is not None:
        require_released(shell, settings)
        return
    with Shell.connect(settings.ssh) as own:
        require_released(own, settings)
