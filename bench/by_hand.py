"""What a person does on the coordinator's host before gpmedic only waits."""

from gpmedic.access.environment import prelude
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Status
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import ClusterSettings


def lose_a_mirror(cluster: PracticeCluster) -> None:
    """Kill the mirror of content 0 and wait until FTS has marked it down."""
    cluster.break_(Fault.KILL_MIRROR, content=0)
    cluster.wait_until(lambda facts: any(s.status is Status.DOWN for s in facts.data_segments), 60)


def recover_by_hand(settings: ClusterSettings) -> None:
    """Run gprecoverseg -a; the mirrors go on catching up when it has ended.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    with Shell.connect(settings.ssh) as shell:
        prepared = prelude(settings.greenplum, settings.database.port)
        done = shell.run(f"{prepared}\nexec gprecoverseg -a", timeout=600)
    if done.exit_code:
        raise RuntimeError(done.stdout)
