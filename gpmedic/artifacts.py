"""What gpmedic keeps with its runs in Prefect, and under which keys."""

from enum import StrEnum


class Kind(StrEnum):
    """The first part of a key; the newest of a kind is what Prefect shows of a cluster."""

    HEALTH = "health"
    EVIDENCE = "evidence"
    RECOVERY = "recovery"
    SEGMENTS = "segments"
    SYNC = "sync"
    HANDOFF = "handoff"
    MOVE_BACK = "move-back"
    COORDINATOR = "coordinator"
    DRILL = "drill"


def artifact_key(kind: Kind, cluster_name: str) -> str:
    """The key of an artifact; Prefect takes lower-case letters, digits and dashes."""
    return f"{kind.value}-{cluster_name}".lower().replace("_", "-")
