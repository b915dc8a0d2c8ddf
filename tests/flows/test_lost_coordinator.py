"""A coordinator that does not answer ends the run with a page of advice and its proof; nothing is activated."""

import os
from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.health_check import health_check
from flows.recover import recover
from gpmedic.access.lost_coordinator import try_coordinator
from gpmedic.errors import HostUnreachable
from gpmedic.lost_coordinator import LostCoordinator, Verdict, judge
from gpmedic.practice import Fault, PracticeCluster
from tasks.advise import last_standby


@pytest.fixture(scope="module", params=["6", *(pytest.param(g, marks=pytest.mark.chaos) for g in ("4.3", "7"))])
def practice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCluster]:
    name = f"lost-{os.getpid()}-{request.param.replace('.', '')}"
    with pytest.MonkeyPatch.context() as patch, PracticeCluster(name, request.param) as cluster:
        patch.setenv("GPMEDIC_CLUSTERS", str(tmp_path_factory.mktemp("clusters")))
        cluster.register()
        yield cluster


def pages(kind: str, cluster: PracticeCluster) -> list[str]:
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[f"{kind}-{cluster.name}"]))
    with get_client(sync_client=True) as client:
        return [str(artifact.data) for artifact in client.read_artifacts(artifact_filter=key)]


def looked(cluster: PracticeCluster) -> tuple[LostCoordinator, str]:
    lost = try_coordinator(cluster.settings, last_standby(cluster.name))
    return lost, "\n".join(f"{t.what}: {t.answer}" for t in lost.tried)


def test_recover_ends_with_the_proof_the_commands_and_the_warning(practice: PracticeCluster) -> None:
    assert health_check(practice.name).healthy
    standby = practice.facts().standby
    assert standby is not None
    practice.break_(Fault.KILL_COORDINATOR)
    with pytest.raises(HostUnreachable):
        recover(practice.name)
    (page,) = pages("coordinator", practice)
    assert Verdict.DEAD.value in page.splitlines()[0]
    assert f"gpactivatestandby -d {standby.datadir}" in page
    assert "Two coordinators that write" in page
    assert "its postmaster lives, pid" in page
    assert page in pages("recovery", practice)[0]
    assert practice.facts().standby == standby, "nothing was activated"

    practice.break_(Fault.SSH_REFUSED, host="mdw")
    lost, said = looked(practice)
    assert lost.verdict is Verdict.UNKNOWN
    assert "not asked" in said
    practice.heal(Fault.SSH_REFUSED, host="mdw")
    practice.break_(Fault.KILL_STANDBY)
    assert "its postmaster has died" in looked(practice)[1]
    practice.heal(Fault.KILL_COORDINATOR)
    assert looked(practice)[0].verdict is Verdict.ALIVE


@pytest.mark.parametrize(
    ("listens", "asked", "lives", "verdict"),
    [
        (False, True, False, Verdict.DEAD),
        (False, True, True, Verdict.ALIVE),
        (True, True, False, Verdict.ALIVE),
        (True, False, False, Verdict.ALIVE),
        (False, False, False, Verdict.UNKNOWN),
    ],
)
def test_only_a_host_that_was_asked_proves_a_death(listens: bool, asked: bool, lives: bool, verdict: Verdict) -> None:
    assert judge(listens=listens, asked=asked, postmaster_lives=lives) is verdict
