"""gpinitstandby -n: start the standby coordinator again, and see that it follows."""

import time

from prefect import task

from gpmedic.access.freshness import Freshness
from gpmedic.amounts import duration
from gpmedic.cluster import Cluster
from gpmedic.errors import GpmedicError, Transient, UnreadableOutput, UtilityFailed
from gpmedic.gpinitstandby import Outcome, StandbyRestart, parse
from gpmedic.plan import Action
from gpmedic.settings import ClusterSettings
from gpmedic.verify import standby_proof
from tasks.approve import Approval
from tasks.detect import look
from tasks.notify import Level, Phase, tell
from tasks.precheck import Checked
from tasks.run_utility import Ended, run_approved
from tasks.transient import RETRIED

TELL_EVERY = 30.0
_ADVICE = {
    Outcome.NOT_CONFIGURED: "Make a standby by hand: gpinitstandby -a -s HOST.",
    Outcome.RUNS_ALREADY: "Something else is connected to the coordinator, as a pg_basebackup of its own: look at "
    "pg_stat_replication there, and run the flow again when it has ended.",
}
_OTHERWISE = (
    "Read startup.log and the newest log in the standby's data directory. Where the WAL that it needs is gone, make it "
    "anew by hand: gpinitstandby -a -r, then gpinitstandby -a -s HOST, which copies the coordinator."
)


@task(name="gpinitstandby -n", **RETRIED)
def restore_standby(settings: ClusterSettings, approval: Approval, checked: Checked) -> None:
    """Run `gpinitstandby -a -n` and judge by its stream that the standby follows.

    Raises:
        UtilityFailed: it ended, and the standby does not follow.
        Other errors: see `run_approved`; nothing was started.
    """
    ended = run_approved(settings, Action.RESTORE_STANDBY, approval, checked, Phase.RESTORE_STANDBY)
    if ended is None:
        return
    said = explain_standby(ended)
    tell(Phase.RESTORE_STANDBY, f"gpinitstandby -n has ended: {said}.", source="gpinitstandby")
    fault = await_standby(settings)
    if fault:
        raise UtilityFailed(ended.argv, ended.exit_code, f"{said}; {fault}", advice_standby(ended))


def await_standby(settings: ClusterSettings) -> str:
    """Wait until the standby has caught up; why it does not follow, "" where it does.

    It has `policy.settle_within` to connect; one that is connected and catches up has until `sync_deadline`.
    """
    began = told = time.monotonic()
    while True:
        now = time.monotonic()
        try:
            cluster = look(settings, Freshness.AS_IT_IS).observation.cluster
        except Transient as error:
            fault, patience = error.message, settings.policy.settle_within
        else:
            proof = standby_proof(cluster)
            if proof.holds:
                tell(Phase.RESTORE_STANDBY, f"The standby coordinator follows ({proof.detail}).")
                return ""
            fault = proof.detail
            patience = settings.policy.sync_deadline if _catches_up(cluster) else settings.policy.settle_within
        if now - began > patience:
            return fault
        if now - told > TELL_EVERY:
            told = now
            tell(Phase.RESTORE_STANDBY, f"Waiting for the standby coordinator for {duration(now - began)}: {fault}.")
        time.sleep(1)


def _catches_up(cluster: Cluster) -> bool:
    return any(r.content == cluster.coordinator.content and r.is_mirror for r in cluster.replication or ())


def _read(ended: Ended) -> StandbyRestart | UnreadableOutput:
    try:
        return parse(ended.output)
    except UnreadableOutput as error:
        return error


def explain_standby(ended: Ended) -> str:
    """What gpinitstandby said of itself, one line: an explanation, never the judgement."""
    report = _read(ended)
    if isinstance(report, GpmedicError):
        return report.message
    details = (*report.warnings, *report.errors)
    return f"{report.outcome.value}{': ' if details else ''}{'; '.join(d.splitlines()[0] for d in details[:3])}"


def advice_standby(ended: Ended) -> str:
    """What a person should do after it failed."""
    report = _read(ended)
    return _OTHERWISE if isinstance(report, GpmedicError) else _ADVICE.get(report.outcome, _OTHERWISE)


def adopted(settings: ClusterSettings, ended: Ended) -> None:
    """Tell how one ended that an earlier run had started; judging is left to the look that follows."""
    fault = await_standby(settings)
    if fault:
        tell(Phase.RESTORE_STANDBY, f"{fault}. {advice_standby(ended)}", Level.WARNING)
