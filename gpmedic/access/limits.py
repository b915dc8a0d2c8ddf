"""A cluster's policy and brake as they are now."""

from gpmedic.access.brake import pulled
from gpmedic.access.ssh import Shell
from gpmedic.errors import GpmedicError
from gpmedic.limits import Limits
from gpmedic.settings import ClusterSettings


def look_at_limits(settings: ClusterSettings) -> Limits:
    """Raises nothing: a host that does not answer is part of the answer."""
    automation = settings.policy.automation
    try:
        with Shell.connect(settings.ssh) as shell:
            return Limits(automation, pulled(shell, settings))
    except GpmedicError as error:
        return Limits(automation, unknown=error.message)
