"""gprecoverseg -r: give every segment its preferred role again. It cancels the queries that run at that moment."""

from prefect import task

from gpmedic.access.sql import Database
from gpmedic.access.watch import look_until
from gpmedic.catalog import ACTIVITY_COLUMNS_SQL, columns_from_rows, running_queries_sql
from gpmedic.errors import UtilityFailed
from gpmedic.plan import Action, RunningQuery
from gpmedic.settings import ClusterSettings
from tasks.approve import Approval
from tasks.notify import Phase, tell
from tasks.precheck import Checked
from tasks.recover import explain
from tasks.run_utility import Ended, run_approved
from tasks.transient import RETRIED


@task(name="gprecoverseg -r", **RETRIED)
def rebalance(settings: ClusterSettings, approval: Approval, checked: Checked) -> None:
    """Run `gprecoverseg -a -r` and judge by the catalog that every role is the preferred one.

    Raises:
        UtilityFailed: it ended, and roles are still switched.
        Other errors: see `run_approved`; nothing was started.
    """
    _judge(settings, run_approved(settings, Action.REBALANCE, approval, checked, Phase.REBALANCE))


def _judge(settings: ClusterSettings, ended: Ended | None) -> None:
    if ended is None:
        return
    said = explain(ended)
    tell(Phase.REBALANCE, f"gprecoverseg -r has ended: {said}.", source="gprecoverseg")
    cluster = look_until(settings, lambda _: True, settings.policy.settle_within)
    switched = [str(pair.content) for pair in cluster.pairs if not pair.balanced]
    if switched:
        raise UtilityFailed(
            ended.argv,
            ended.exit_code,
            f"{said}; roles still switched: content {', '.join(switched)}",
            "Wait until every pair is synchronized, then run the flow again: it begins by observing.",
        )


@task(name="running queries", **RETRIED)
def running_queries(settings: ClusterSettings) -> tuple[RunningQuery, ...]:
    """The queries that a rebalance would cancel if it ran now, the longest first."""
    with Database.connect(settings.database) as database:
        columns = columns_from_rows(database.rows(ACTIVITY_COLUMNS_SQL))
        rows = database.rows(running_queries_sql(columns))
    return tuple(
        RunningQuery(
            pid=int(str(row["pid"])),
            user=str(row["username"]),
            seconds=int(str(row["seconds"] or 0)),
            query=str(row["query"]),
        )
        for row in rows
    )
