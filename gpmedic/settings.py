"""What gpmedic must know about a cluster to reach it: one TOML file a cluster, or a Prefect block of the same shape."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from gpmedic.clusters_folder import CONFIG_VARIABLE, cluster_names, clusters_folder
from gpmedic.errors import AccessRefused
from gpmedic.form import form_field
from gpmedic.gprecoverseg_lines import RecoveryType
from gpmedic.languages.language import Language
from gpmedic.policy import Automation, RecoveryStarts, RepeatedFailure
from gpmedic.steps import Action

__all__ = [
    "CONFIG_VARIABLE",
    "Automation",
    "ClusterName",
    "ClusterSettings",
    "DatabaseSettings",
    "GreenplumSettings",
    "PolicySettings",
    "RecoveryStarts",
    "RepeatedFailure",
    "SlackSettings",
    "SshSettings",
    "clusters_folder",
    "load_cluster",
    "parse_cluster",
]

ClusterName = Annotated[
    str,
    form_field(
        "Cluster",
        "The name under which it is registered; gpmedic status --all shows every name.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Strict):
    """How to open a session on the coordinator; times in seconds."""

    host: str = Field(description="Name or address of the coordinator's host.")
    port: int = Field(default=5432, description="The coordinator's port.")
    user: str = Field(default="gpadmin", description="A superuser: the one who owns Greenplum.")
    dbname: str = Field(default="postgres", description="Any database that always exists; nothing is written to it.")
    password: SecretStr | None = Field(default=None, description="Better kept in password_file or a block.")
    password_file: Path | None = Field(default=None, description="A file in libpq's .pgpass format, mode 0600.")
    sslmode: str = Field(default="prefer", description="As libpq's sslmode.")
    connect_timeout: int = Field(default=10, ge=2, description="Seconds to open a session.")
    statement_timeout: int = Field(default=60, ge=1, description="Seconds for one statement.")


class SshSettings(_Strict):
    """How to log in on the coordinator's host; times in seconds. Unknown host keys are always refused."""

    host: str = Field(description="Name or address of the coordinator's host; segment hosts are asked from there.")
    port: int = Field(default=22, description="The port of its sshd.")
    user: str = Field(default="gpadmin", description="The user who owns Greenplum.")
    identity_file: Path | None = Field(default=None, description="Private key; the agent is asked where it is not set.")
    known_hosts: Path = Field(default=Path("~/.ssh/known_hosts"), description="Where the host's key must stand.")
    connect_timeout: int = Field(default=10, ge=1, description="Seconds to log in.")
    command_timeout: int = Field(
        default=60, ge=1, description="Seconds for a short command; utilities run detached without it."
    )


class GreenplumSettings(_Strict):
    """Where Greenplum lies on the coordinator's host."""

    home: str = Field(description="GPHOME: the directory with greenplum_path.sh.")
    coordinator_data_directory: str = Field(
        description="MASTER_DATA_DIRECTORY up to 6, COORDINATOR_DATA_DIRECTORY in 7."
    )


class PolicySettings(_Strict):
    """What gpmedic may do on this cluster; times in seconds."""

    automation: Automation = Field(
        default=Automation.OBSERVE_ONLY,
        description="observe_only: looks and shows the plan, so that a newly registered cluster is safe;"
        " with_approval: runs each disruptive step that a person has approved.",
    )
    recovery_starts: RecoveryStarts = Field(
        default=RecoveryStarts.BY_A_PERSON,
        description="by_health_check: a deployed health check starts it too, once for each incident, up to its first"
        " question.",
    )
    two_people: frozenset[Action] = Field(
        default=frozenset(), description="Steps that two different people must approve, e.g. rebalance."
    )

    approval_timeout: int = Field(
        default=3600, ge=1, description="Seconds that a question stands; without an answer its step is not run."
    )
    stall_after: int = Field(
        default=300, ge=1, description="Seconds without a byte synchronized that raise the stall alarm."
    )
    sync_deadline: int = Field(
        default=86400, ge=1, description="Seconds after which the wait for a mirror ends as failed; nothing is stopped."
    )
    host_deadline: int = Field(
        default=3600, ge=1, description="Seconds that the host of a dead primary without mirror is waited for."
    )
    free_space_percent: int = Field(
        default=10, ge=0, le=100, description="Percent of a target file system that must stay free."
    )
    recovery_type: Literal[RecoveryType.INCREMENTAL, RecoveryType.DIFFERENTIAL] = Field(
        default=RecoveryType.INCREMENTAL, description="differential: gprecoverseg --differential, where it exists."
    )
    repeat_window: int = Field(
        default=3600, ge=0, description="Seconds within which the same segment down twice is a repeat; 0 for never."
    )
    repeated_failure: RepeatedFailure = Field(
        default=RepeatedFailure.STOP,
        description="What a repeat means. stop: nobody is asked, the cause must be found first; ask: the question says"
        " so, and a person decides.",
    )
    max_replay_lag_bytes: int = Field(
        default=10 << 30, ge=0, description="A mirror with more bytes of WAL to replay is not promoted by a rebalance."
    )
    settle_within: int = Field(
        default=120,
        ge=1,
        description="Seconds by which what a utility has done must show: segments marked up, primaries that answer, a"
        " standby that follows.",
    )
    down_again_after: int = Field(
        default=30, ge=1, description="Seconds that a mirror stays marked down while it should catch up: the wait ends."
    )
    silence_after: int = Field(
        default=600, ge=1, description="Seconds without a line of a running utility after which that is told."
    )
    max_down_percent: int = Field(
        default=50, ge=1, le=100, description="Percent of primaries; where more have failed, suspect the network."
    )


SlackId = Annotated[str, Field(pattern=r"^[USW][A-Z0-9]{2,30}$", description="A user (U, W) or a user group (S).")]


class SlackSettings(_Strict):
    """Where incidents of a cluster are told in Slack, and who decides there; secrets are the approvals service's."""

    channel: str = Field(pattern=r"^[CG][A-Z0-9]{2,30}$", description="The channel's id, as C0123456789.")
    approvers: frozenset[SlackId] = Field(description="Users and user groups, by their ids.")
    high_risk_approvers: frozenset[SlackId] = Field(
        default=frozenset(), description="For full copies, moves and restarts; where it is empty, the approvers."
    )

    def named_for(self, high_risk: bool) -> frozenset[str]:
        """Who decides steps of this risk."""
        return (self.high_risk_approvers if high_risk else frozenset()) or self.approvers

    @property
    def groups(self) -> frozenset[str]:
        """The user groups among them."""
        return frozenset(name for name in self.approvers | self.high_risk_approvers if name.startswith("S"))


class ClusterSettings(_Strict):
    """One Greenplum cluster. `practice` marks a lab; the cluster itself must confirm that too."""

    name: ClusterName
    database: DatabaseSettings
    ssh: SshSettings
    greenplum: GreenplumSettings
    policy: PolicySettings = PolicySettings()
    language: Language = Field(default=Language.ENGLISH, description="Of reports, approvals and Slack: en or zh.")
    slack: SlackSettings | None = Field(default=None, description="None: nothing of this cluster is told in Slack.")
    practice: bool = Field(default=False, description="A practice cluster, which may be broken on purpose.")


def load_cluster(name: str) -> ClusterSettings:
    """Settings of the cluster NAME from its file NAME.toml in `clusters_folder()`.

    Raises:
        AccessRefused: no such file, or it cannot be read, or what stands in it is not valid.
    """
    path = clusters_folder() / f"{name}.toml"
    try:
        settings = parse_cluster(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        known = ", ".join(cluster_names()) or "none"
        raise AccessRefused(
            f"No cluster {name!r} is registered (known: {known}).",
            f"Register it (gpmedic setup {name}), or name another.",
        ) from None
    except OSError as error:
        raise AccessRefused(
            f"{path} cannot be read ({error.strerror}).", "Make it a file that you can read, or remove it."
        ) from None
    except UnicodeDecodeError:
        raise AccessRefused(f"{path} is not UTF-8, as TOML must be.", "Save that file as UTF-8.") from None
    if settings.name != name:  # locks and claims go by the name: two for one cluster would not exclude each other
        raise AccessRefused(f"{path} says that its name is {settings.name!r}.", "Name file and cluster alike.")
    return settings


def parse_cluster(text: str, source: str, next_action: str = "Correct that file.") -> ClusterSettings:
    """Settings from TOML.

    Args:
        source: where it comes from.

    Raises:
        AccessRefused: it is not valid.
    """
    try:
        return ClusterSettings.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise AccessRefused(f"{source} is not valid: {_first_fault(error)}", next_action) from None


def _words(fault: ErrorDetails) -> str:
    return "gpmedic has no such setting" if fault["type"] == "extra_forbidden" else fault["msg"]


def _first_fault(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False)  # never the input: it may be a password
        # A misspelt key explains why another one is missing.
        faults.sort(key=lambda fault: fault["type"] != "extra_forbidden")
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {_words(fault)}" for fault in faults[:2]) + "."
    return f"{error}."
