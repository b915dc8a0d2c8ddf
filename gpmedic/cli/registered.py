"""Where a cluster is registered: a file on this machine, or else a block on the Prefect server.

Only for commands that use the server anyway: to ask it means to import Prefect, which takes seconds.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gpmedic.cli.choose import load_running, none_registered, registered_clusters
from gpmedic.settings import ClusterSettings, clusters_folder


@dataclass(frozen=True, slots=True)
class Registered:
    """A cluster as it is registered.

    Attributes:
        file: None where it is a block.
        source: the file, or the block's name.
    """

    settings: ClusterSettings
    file: Path | None
    source: str


def has_file(name: str) -> bool:
    """Whether its settings stand on this machine; then no block counts."""
    return (clusters_folder() / f"{name}.toml").exists()


def has_server() -> bool:
    """Whether a Prefect server is configured."""
    from gpmedic.cli.recover import quiet_prefect

    quiet_prefect()
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None


def load_registered(name: str) -> Registered:
    """The cluster's settings, from wherever they are.

    Raises:
        AccessRefused: it is not registered, or what is there is not valid.
    """
    if has_file(name) or not has_server():
        file = clusters_folder() / f"{name}.toml"
        return Registered(load_running(name), file, str(file))
    from blocks.greenplum import block_of, load_cluster

    return Registered(load_cluster(name), None, f"Block {block_of(name)}")


def all_registered() -> list[str]:
    """The names of all clusters that have a file here or a block on the server, without those of drills; sorted.

    Raises:
        AccessRefused: there is none.
    """
    names = sorted({*registered_clusters(), *_in_blocks()})
    if not names:
        raise none_registered()
    return names


def only_in_block(name: str) -> ClusterSettings | None:
    """The settings of a cluster that has a block and no file; None where it has a file, or neither."""
    if has_file(name) or name not in _in_blocks():
        return None
    from blocks.greenplum import load_cluster

    return load_cluster(name)


def _in_blocks() -> frozenset[str]:
    """None too where the server does not answer: the doctor tells that by itself, and a file can be written without."""
    if not has_server():
        return frozenset()
    import httpx

    from blocks.greenplum import clusters_in_blocks

    with suppress(httpx.TransportError):
        return clusters_in_blocks()
    return frozenset()
