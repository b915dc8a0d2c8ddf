"""Which cluster a command means."""

from gpmedic.errors import AccessRefused
from gpmedic.practice.layout import DRILL_PREFIX
from gpmedic.settings import ClusterSettings, clusters_folder, load_cluster


def choose_cluster(name: str | None) -> ClusterSettings:
    """The settings of the named cluster, or of the only one that is registered; the cluster of a drill must be named.

    Raises:
        AccessRefused: no such cluster, or several and none was named.
    """
    if name is not None:
        return _up(load_cluster(name))
    registered = sorted(path.stem for path in clusters_folder().glob("*.toml"))
    known = [stem for stem in registered if not stem.startswith(DRILL_PREFIX)]
    if len(known) == 1:
        return _up(load_cluster(known[0]))
    if known:
        raise AccessRefused(f"Several clusters are registered: {', '.join(known)}.", "Name the one that you mean.")
    if registered:
        raise AccessRefused(
            f"Only clusters of drills are registered: {', '.join(registered)}.", "Name the one that you mean."
        )
    raise AccessRefused(
        f"No cluster is registered in {clusters_folder()}.",
        "Write a file NAME.toml there (README, 'Your own cluster'), or try `gpmedic practice up`.",
    )


def _up(settings: ClusterSettings) -> ClusterSettings:
    """A practice cluster that was killed leaves its file here, and nothing else."""
    secret = settings.database.password_file
    if settings.practice and secret is not None and not secret.parent.exists():
        raise AccessRefused(
            f"The practice cluster {settings.name} is not there any more.",
            f"Forget it with: gpmedic practice down {settings.name}",
        )
    return settings
