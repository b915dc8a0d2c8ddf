"""The recovery parameters that gprecoverseg prints before it begins: which segment is copied from where to where."""

from dataclasses import dataclass
from re import Match

from gpmedic import gprecoverseg_lines as lines
from gpmedic.cluster import Role
from gpmedic.errors import UnreadableOutput
from gpmedic.gprecoverseg_lines import UTILITY, RecoveryType
from gpmedic.utility_log import Record, integer, labelled


@dataclass(frozen=True, slots=True)
class Instance:
    """One segment instance, as the parameters describe it; `replication_port` exists in 4.3 and 5 only."""

    host: str
    address: str
    directory: str
    port: int
    replication_port: int | None = None


@dataclass(frozen=True, slots=True)
class RecoveryParameters:
    """`Recovery number of total`; `target` is None for a recovery in place."""

    number: int
    total: int
    type: RecoveryType
    failed: Instance
    source: Instance
    target: Instance | None


@dataclass(frozen=True, slots=True)
class UnbalancedSegment:
    """`Unbalanced segment number of total`: both copies of a switched pair are listed, one after the other."""

    number: int
    total: int
    instance: Instance
    balanced_role: Role
    current_role: Role


_ROLES = {"Primary": Role.PRIMARY, "Mirror": Role.MIRROR}


class Parameters:
    """Takes record after record, and keeps the blocks of parameters that are complete."""

    def __init__(self) -> None:
        self.recoveries: list[RecoveryParameters] = []
        self.unbalanced: list[UnbalancedSegment] = []
        self._title: Match[str] | None = None
        self._rows: dict[str, str] = {}

    def take(self, record: Record) -> bool:
        """True where the record is one of the parameters.

        Raises:
            UnreadableOutput: it does not fit in the block that it stands in.
        """
        title = next((m for p in (lines.RECOVERY, lines.UNBALANCED) if (m := p.fullmatch(record.message))), None)
        pair = labelled(record) if record.message.startswith("   ") else None
        if any(p.fullmatch(record.message) for p in lines.SOURCES):
            return True
        if self._title is None and title is not None:
            self._title = title
        elif self._title is not None and pair is not None and pair[0] not in self._rows:
            self._rows[pair[0]] = pair[1]
        elif self._title is not None and record.is_rule:
            self._end_of_block()
        elif self._title is not None or title is not None or pair is not None:
            raise record.unreadable()
        else:
            return False
        return True

    def close(self) -> None:
        """Check that all blocks that were announced have come.

        Raises:
            UnreadableOutput: some are missing.
        """
        for blocks in (self.recoveries, self.unbalanced):
            numbers = [block.number for block in blocks]
            if self._title is not None or (blocks and numbers != list(range(1, blocks[0].total + 1))):
                raise UnreadableOutput(UTILITY, self._title[0] if self._title is not None else f"Recovery {numbers}")

    def _end_of_block(self) -> None:
        title, rows = self._title, self._rows
        if title is None or not rows:
            return  # the rule below the title
        self._title, self._rows = None, {}
        number, total = int(title["number"]), int(title["total"])
        try:
            if title.re is lines.RECOVERY:
                kind = RecoveryType(rows.pop("Synchronization mode").lower())
                failed, source = _instance(rows, "Failed"), _instance(rows, "Recovery Source")
                in_place = rows.pop("Recovery Target", None) == "in-place"
                target = None if in_place else _instance(rows, "Recovery Target")
                if len({i.replication_port is None for i in (failed, source, target) if i is not None}) > 1:
                    raise ValueError("a replication port was lost")
                self.recoveries.append(RecoveryParameters(number, total, kind, failed, source, target))
            else:
                roles = _ROLES[rows.pop("Balanced role")], _ROLES[rows.pop("Current role")]
                self.unbalanced.append(UnbalancedSegment(number, total, _instance(rows, "Unbalanced"), *roles))
        except (KeyError, ValueError):
            raise UnreadableOutput(UTILITY, title[0]) from None
        if rows:
            raise UnreadableOutput(UTILITY, next(iter(rows)))


def _instance(rows: dict[str, str], whose: str) -> Instance:
    """Take the rows of one instance away; KeyError where one is missing, ValueError where a port is no number."""
    replication_port = rows.pop(f"{whose} instance replication port", None)
    return Instance(
        rows.pop(f"{whose} instance host"),
        rows.pop(f"{whose} instance address"),
        rows.pop(f"{whose} instance directory"),
        integer(rows.pop(f"{whose} instance port")),
        None if replication_port is None else integer(replication_port),
    )
