"""A Greenplum cluster as a Prefect block: the settings of the cluster file, and its secrets, kept by the server.

A flow is given the cluster's name only. Its file on the worker's machine is tried first, so that nobody who can read
the Prefect API can read a secret; the block is for workers without files. Prefect gives the secrets of a block to any
client that asks its API for them.
"""

from typing import ClassVar, cast

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from pydantic import Field, SecretStr

from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused
from gpmedic.settings import (
    ClusterSettings,
    DatabaseSettings,
    GreenplumSettings,
    PolicySettings,
    SlackSettings,
    SshSettings,
    clusters_folder,
)
from gpmedic.settings import load_cluster as load_cluster_file


class GreenplumCluster(Block):
    """One Greenplum cluster; the block's own name is the name of the cluster, in lower case with dashes."""

    _block_type_name: ClassVar[str] = "Greenplum Cluster"
    _block_type_slug: ClassVar[str] = "greenplum-cluster"
    _description: ClassVar[str] = "How gpmedic reaches a Greenplum cluster, and what it may do there."

    cluster_name: str = Field(description="What gpmedic calls the cluster.")
    database: DatabaseSettings
    database_password: SecretStr | None = Field(default=None, description="Instead of a password file on the worker.")
    ssh: SshSettings
    greenplum: GreenplumSettings
    policy: PolicySettings = PolicySettings()
    slack: SlackSettings | None = None

    @property
    def settings(self) -> ClusterSettings:
        """The same as the cluster's file would give."""
        database = self.database
        if self.database_password is not None:
            database = database.model_copy(update={"password": self.database_password})
        return ClusterSettings(
            name=self.cluster_name,
            database=database,
            ssh=self.ssh,
            greenplum=self.greenplum,
            policy=self.policy,
            slack=self.slack,
        )

    def connect(self) -> Database:
        """A session on the coordinator; see `Database.connect` for the errors."""
        return Database.connect(self.settings.database)

    def log_in(self) -> Shell:
        """A shell on the coordinator's host; see `Shell.connect` for the errors."""
        return Shell.connect(self.settings.ssh)


def save_cluster(settings: ClusterSettings) -> str:
    """Save the block of a cluster, over one that is there; its full name."""
    database = settings.database
    block = GreenplumCluster(
        cluster_name=settings.name,
        database=database.model_copy(update={"password": None}),
        database_password=database.password,
        ssh=settings.ssh,
        greenplum=settings.greenplum,
        policy=settings.policy,
        slack=settings.slack,
    )
    block.save(_block_name(settings.name), overwrite=True)
    return f"greenplum-cluster/{_block_name(settings.name)}"


def load_cluster(name: str) -> ClusterSettings:
    """The settings of a cluster: from its file on this machine, else from its block on the Prefect server.

    Raises:
        AccessRefused: neither is there, or what is there is not valid.
    """
    if (clusters_folder() / f"{name}.toml").exists():
        return load_cluster_file(name)
    block_name = _block_name(name)
    try:
        block = GreenplumCluster.load(block_name)
    except (ValueError, ObjectNotFound):
        raise AccessRefused(
            f"No cluster {name!r} is known here: neither a file in {clusters_folder()} nor a block "
            f"greenplum-cluster/{block_name} on the Prefect server.",
            "Write the file on the machine where the flow runs, or save the block.",
        ) from None
    return cast(GreenplumCluster, block).settings


def _block_name(cluster: str) -> str:
    return cluster.lower().replace("_", "-")
