"""Which cluster a command means."""

from gpmedic.clusters_folder import cluster_names, clusters_folder
from gpmedic.errors import AccessRefused
from gpmedic.practice.layout import DRILL_PREFIX
from gpmedic.settings import ClusterSettings, load_cluster


def choose_cluster(name: str | None) -> ClusterSettings:
    """The settings of the named cluster, or of the only one that is registered; the cluster of a drill must be named.

    Raises:
        AccessRefused: no such cluster, or several and none was named.
    """
    if name is not None:
        return load_running(name)
    known = registered_clusters()
    if len(known) == 1:
        return load_running(known[0])
    if known:
        raise AccessRefused(f"Several clusters are registered: {', '.join(known)}.", "Name the one that you mean.")
    if drills := cluster_names():
        raise AccessRefused(
            f"Only clusters of drills are registered: {', '.join(drills)}.", "Name the one that you mean."
        )
    raise none_registered()


def registered_clusters() -> list[str]:
    """The names of all clusters that have a file here, without those of drills; sorted."""
    return [name for name in cluster_names() if not name.startswith(DRILL_PREFIX)]


def none_registered() -> AccessRefused:
    """What is said where a cluster is needed and there is none."""
    return AccessRefused(
        f"No cluster is registered in {clusters_folder()}.",
        "Register one (gpmedic setup NAME), or try gpmedic practice up.",
    )


def load_running(name: str) -> ClusterSettings:
    """The settings of this cluster; a practice cluster that was killed leaves its file here, and nothing else.

    Raises:
        AccessRefused: no such cluster, its file is not valid, or it is such a practice cluster.
    """
    settings = load_cluster(name)
    secret = settings.database.password_file
    if settings.practice and secret is not None and not secret.parent.exists():
        raise AccessRefused(
            f"The practice cluster {settings.name} is not there any more.",
            f"Forget it with: gpmedic practice down {settings.name}",
        )
    return settings
