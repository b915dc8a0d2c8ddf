"""The runbook's headings, in their order: what a recovery is doing."""

from enum import StrEnum


class Phase(StrEnum):
    OBSERVE = "observe"
    EVIDENCE = "collect evidence"
    PRECHECK = "precheck"
    APPROVE = "approve"
    RESTART = "restart"
    RECOVER = "recover"
    SYNCHRONIZE = "wait for sync"
    REBALANCE = "rebalance"
    RESTORE_STANDBY = "restore standby"
    VERIFY = "verify"
    REPORT = "report"
