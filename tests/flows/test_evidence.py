"""Evidence first: no page can ask for a step of which it has not saved what the step could destroy."""

import pytest
from domain.clusters import V6, failed_over, healthy, mirror_down, probes

from flows.journal import Journal
from flows.page import ask
from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster
from gpmedic.diagnosis import diagnose
from gpmedic.errors import ObserveOnly, UnsafeState
from gpmedic.plan import Action, Plan, make_plan
from gpmedic.settings import ClusterSettings, DatabaseSettings, GreenplumSettings, PolicySettings, SshSettings
from tasks.collect_evidence import Evidence, before

OBSERVED = ClusterSettings(
    name="lab",
    database=DatabaseSettings(host="mdw"),
    ssh=SshSettings(host="mdw"),
    greenplum=GreenplumSettings(home="/usr/local/gpdb", coordinator_data_directory="/data/gpseg-1"),
)


def plan_for(cluster: Cluster) -> Plan:
    return make_plan(diagnose(cluster, probes(cluster)), Capabilities(V6), PolicySettings())


def ask_with(evidence: Evidence, plan: Plan) -> None:
    ask(OBSERVED, Journal(cluster_name="lab"), Action.RECOVER, evidence, plan, plan_of=lambda _: plan)


def test_nobody_is_asked_with_evidence_of_another_state() -> None:
    """As a page would come with that of an earlier step; without any, `ask` cannot be called."""
    earlier, now = mirror_down(healthy(), 0), failed_over(healthy(), 1)
    with pytest.raises(UnsafeState, match=r"not of the state that the plan was made from; nobody was asked"):
        ask_with(Evidence(earlier), plan_for(now))
    with pytest.raises(ObserveOnly):  # which is looked at next
        ask_with(Evidence(now), plan_for(now))


def test_the_title_of_evidence_says_before_which_step_it_was_saved() -> None:
    """A full copy follows an incremental recovery that has changed the cluster already."""
    assert before(Action.RECOVER_FULL) == "before the step recover-full"
