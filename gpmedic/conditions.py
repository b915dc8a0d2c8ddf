"""What can be wrong with a cluster: one table, a row a condition, in the words of the runbook."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Severity(StrEnum):
    INFO = "info"  # nothing is lost and it passes by itself
    WARNING = "warning"  # works, but the next failure costs service
    CRITICAL = "critical"  # queries fail, or data is at risk


class Scenario(StrEnum):
    """Which page of the runbook a diagnosis leads to."""

    NONE = "none"
    REBALANCE = "rebalance"
    WAIT = "wait"  # mirrors are catching up: wait, then rebalance where needed
    RECOVER_SEGMENTS = "recover_segments"
    LOOK_AGAIN = "look_again"  # FTS has not yet decided: ask it to probe, observe again, never act meanwhile
    STANDBY = "standby"
    MIRRORLESS = "mirrorless"
    DOUBLE_FAULT = "double_fault"
    COORDINATOR = "coordinator"
    UNKNOWN = "unknown"


class Condition(StrEnum):
    COORDINATOR_UNREACHABLE = "coordinator_unreachable"
    COORDINATOR_RESTARTING = "coordinator_restarting"
    DOUBLE_FAULT = "double_fault"
    MIRRORLESS_PRIMARY_DOWN = "mirrorless_primary_down"
    UNKNOWN_STATE = "unknown_state"
    FAILOVER_PENDING = "failover_pending"
    PRIMARY_HANGS = "primary_hangs"
    PRIMARY_STARTING = "primary_starting"
    NOT_PROBED = "not_probed"
    HOST_UNREACHABLE = "host_unreachable"
    REPLICATION_MISSING = "replication_missing"
    REPLICATION_UNKNOWN = "replication_unknown"
    FAILED_OVER = "failed_over"
    MIRROR_DOWN = "mirror_down"
    RESYNCHRONIZING = "resynchronizing"
    ROLES_SWITCHED = "roles_switched"
    STANDBY_DOWN = "standby_down"


@dataclass(frozen=True, slots=True)
class ConditionFacts:
    """One row of the table.

    Attributes:
        title: a few words for a heading.
        meaning: what it means for the users of the database.
        next_action: what the runbook does next.
        scenario: the page of the runbook.
    """

    title: str
    severity: Severity
    scenario: Scenario
    meaning: str
    next_action: str


# In the order in which they matter: the first one found decides the scenario.
CONDITIONS: Final[Mapping[Condition, ConditionFacts]] = MappingProxyType(
    {
        Condition.COORDINATOR_UNREACHABLE: ConditionFacts(
            "Coordinator unreachable",
            Severity.CRITICAL,
            Scenario.COORDINATOR,
            "No session can be opened on the coordinator, so nothing is known about the segments.",
            "Check the coordinator's host and its postmaster; activating the standby (gpactivatestandby) is a "
            "person's decision, and only while the old coordinator is certainly stopped.",
        ),
        Condition.COORDINATOR_RESTARTING: ConditionFacts(
            "Coordinator restarting",
            Severity.WARNING,  # a person has approved it, and its job ends with the start
            Scenario.COORDINATOR,
            "gpmedic's own restart is at work: no session can be opened until it has started the database again.",
            "Wait until that job has ended and look again; start nothing by hand meanwhile, and activate nothing.",
        ),
        Condition.DOUBLE_FAULT: ConditionFacts(
            "Double fault",
            Severity.CRITICAL,
            Scenario.DOUBLE_FAULT,
            "The acting primary does not answer and its mirror cannot take over: queries on this content fail, "
            "although the catalog shows the primary as up.",
            "Bring the host of the acting primary back first; then run the flow recover: it saves the evidence, "
            "compares both copies and restarts the database with an approval; never a full copy before that.",
        ),
        Condition.MIRRORLESS_PRIMARY_DOWN: ConditionFacts(
            "Primary without mirror down",
            Severity.CRITICAL,
            Scenario.MIRRORLESS,
            "A primary that has no mirror does not answer; the catalog never shows this, and nothing can take over.",
            "Bring its host back; then run the flow recover: it waits for the host, sees that every primary can start, "
            "and restarts the database with an approval: a segment that cannot start leaves the whole database down.",
        ),
        Condition.UNKNOWN_STATE: ConditionFacts(
            "Unknown state",
            Severity.CRITICAL,
            Scenario.UNKNOWN,
            "The catalog shows a combination of roles, modes and status that is not one of this Greenplum's states.",
            "Let a person look at gp_segment_configuration, gp_configuration_history and gpstate -e; do not act on it.",
        ),
        Condition.FAILOVER_PENDING: ConditionFacts(
            "Failover pending",
            Severity.CRITICAL,
            Scenario.LOOK_AGAIN,
            "The acting primary does not answer and FTS has not noticed yet: writes hang until it promotes the mirror.",
            "Ask FTS for a probe (or wait for its next one) and look again; never act before it has decided.",
        ),
        Condition.PRIMARY_HANGS: ConditionFacts(
            "Primary hangs",
            Severity.CRITICAL,
            Scenario.LOOK_AGAIN,
            "An acting primary was asked twice and does not answer, but its postmaster runs, and no mirror can take "
            "over: queries on this content hang or fail, and nothing is proven to be lost.",
            "Look at its host (load, memory, disks that hang) and at its log, then look again; only where it is "
            "certainly stuck, a person ends it with pg_ctl stop -m fast, and the flow recover then restarts the "
            "database. Where that does not end it, repair or reboot its host; never use SIGKILL.",
        ),
        Condition.PRIMARY_STARTING: ConditionFacts(
            "Primary starting",
            Severity.WARNING,
            Scenario.LOOK_AGAIN,
            "An acting primary is starting up or replaying WAL and does not take queries yet.",
            "Wait through the replay and look again; a second recovery now would only do harm.",
        ),
        Condition.NOT_PROBED: ConditionFacts(
            "Primary not probed",
            Severity.WARNING,
            Scenario.LOOK_AGAIN,
            "An acting primary could not be asked directly, so the catalog's word that it is up proves nothing.",
            "Probe every acting primary from the coordinator and look again.",
        ),
        Condition.HOST_UNREACHABLE: ConditionFacts(
            "Host unreachable",
            Severity.CRITICAL,
            Scenario.LOOK_AGAIN,
            "The host of an acting primary cannot be reached from the coordinator's host.",
            "Check power, network and sshd of the host from the coordinator; recovery in place needs it back.",
        ),
        Condition.REPLICATION_MISSING: ConditionFacts(
            "Replication missing",
            Severity.WARNING,
            Scenario.LOOK_AGAIN,
            "The catalog shows both copies up, but no stream runs from the primary to its mirror.",
            "Ask FTS for a probe and look again; read the mirror's log (removed WAL, pg_hba.conf) if it persists.",
        ),
        Condition.REPLICATION_UNKNOWN: ConditionFacts(
            "Replication unknown",
            Severity.WARNING,
            Scenario.LOOK_AGAIN,
            "Every acting primary answers, but gp_stat_replication cannot be read: whether the mirrors follow is not "
            "known.",
            "Look again; where it persists, SELECT * FROM gp_stat_replication yourself and read what it says.",
        ),
        Condition.FAILED_OVER: ConditionFacts(
            "Primary failed over",
            Severity.WARNING,
            Scenario.RECOVER_SEGMENTS,
            "A primary failed and its mirror serves in its place, without a second copy of the data.",
            "Repair what made it fail, recover it incrementally, wait until synchronized, then rebalance.",
        ),
        Condition.MIRROR_DOWN: ConditionFacts(
            "Mirror down",
            Severity.WARNING,
            Scenario.RECOVER_SEGMENTS,
            "A mirror failed; its primary serves without a second copy of the data.",
            "Repair what made it fail, recover it incrementally, then wait until synchronized.",
        ),
        Condition.RESYNCHRONIZING: ConditionFacts(
            "Resynchronizing",
            Severity.INFO,
            Scenario.WAIT,
            "Both copies are up and the mirror is catching up; a failure of the primary now would be a double fault.",
            "Wait until synchronized; do not start another recovery and do not rebalance.",
        ),
        Condition.ROLES_SWITCHED: ConditionFacts(
            "Roles switched",
            Severity.INFO,
            Scenario.REBALANCE,
            "A mirror serves as primary, so the load is not spread as planned.",
            "Rebalance in a quiet window, when every pair is synchronized: it cancels the running queries.",
        ),
        Condition.STANDBY_DOWN: ConditionFacts(
            "Standby coordinator down",
            Severity.WARNING,
            Scenario.STANDBY,
            "The standby coordinator does not follow: a loss of the coordinator now would lose its catalog.",
            "Read gpstate -f, repair the standby's host, then start the standby again: gpinitstandby -a -n.",
        ),
    }
)
