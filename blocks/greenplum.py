"""A Greenplum cluster as a Prefect block: the settings of the cluster file, and its secrets, kept by the server.

A flow is given the cluster's name only. Its file on the worker's machine is tried first, so that nobody who can read
the Prefect API can read a secret; the block is for workers without files. Prefect gives the secrets of a block to any
client that asks its API for them.
"""

from typing import ClassVar, cast

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import Field, SecretStr, ValidationError

from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused
from gpmedic.languages.language import Language
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
    language: Language = Language.ENGLISH
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
            language=self.language,
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
        language=settings.language,
        slack=settings.slack,
    )
    block.save(_block_name(settings.name), overwrite=True)
    return block_of(settings.name)


def block_of(cluster: str) -> str:
    """The full name of a cluster's block."""
    return f"{GreenplumCluster.get_block_type_slug()}/{_block_name(cluster)}"


def clusters_in_blocks() -> frozenset[str]:
    """The names of the clusters that have a block on the Prefect server; no secret is asked for."""
    with get_client(sync_client=True) as client:
        try:
            blocks = client.read_block_documents_by_type(
                GreenplumCluster.get_block_type_slug(), limit=200, include_secrets=False
            )
        except ObjectNotFound:  # nobody has saved one yet
            return frozenset()
    return frozenset(str(block.data.get("cluster_name")) for block in blocks)


def load_cluster(name: str) -> ClusterSettings:
    """The settings of a cluster: from its file on this machine, else from its block on the Prefect server.

    Raises:
        AccessRefused: neither is there, or what is there is not valid.
    """
    if (clusters_folder() / f"{name}.toml").exists():
        return load_cluster_file(name)
    try:
        block = cast(GreenplumCluster, GreenplumCluster.load(_block_name(name)))
    except (ValueError, ObjectNotFound):
        raise AccessRefused(
            f"No cluster {name!r} is known here: neither a file in {clusters_folder()} nor a block "
            f"{block_of(name)} on the Prefect server.",
            "Write the file on the machine where the flow runs, or save the block.",
        ) from None
    except RuntimeError:  # never its cause: that quotes what was saved, secrets too
        raise _not_valid(name) from None
    try:
        return block.settings
    except ValidationError:
        raise _not_valid(name) from None


def _not_valid(name: str) -> AccessRefused:
    return AccessRefused(
        f"The block {block_of(name)} is not valid for this version of gpmedic.",
        f"Save it again: gpmedic setup {name} --from FILE --block",
    )


def _block_name(cluster: str) -> str:
    return cluster.lower().replace("_", "-")
