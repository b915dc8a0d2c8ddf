import pytest

from gpmedic.cluster import Mode, Role, Status
from gpmedic.practice.facts import (
    Answer,
    Copying,
    CopyKind,
    Facts,
    HostFacts,
    LockFacts,
    Release,
    ReplicationFacts,
    SegmentFacts,
    SshState,
)
from gpmedic.wal import lsn_bytes


def _segment(dbid: int, content: int, role: Role, copying: Copying | None = None) -> SegmentFacts:
    return SegmentFacts(
        dbid, content, role, role, Mode.SYNCHRONIZED, Status.UP, 6000 + dbid, "sdw1", "sdw1", f"/data/{dbid}",
        answer=Answer.ACCEPTS, datadir_mode=0o700, copying=copying,
    )  # fmt: skip


def _facts(*segments: SegmentFacts) -> Facts:
    return Facts(
        name="lab",
        release=Release.V7,
        server_version="PostgreSQL 12.12",
        utility_version="postgres 7",
        user="gpadmin",
        segments=segments,
        hosts=(HostFacts("sdw1", ssh=SshState.BANNER, ssh_port=22),),
        replication=(ReplicationFacts(0, 1, "gp_walreceiver", "streaming", "sync", "0/1", "0/1", None, "0/1"),),
        lock=LockFacts(77, alive=False),
        faults=(("slow_resync", "3"),),
    )


def test_facts_survive_json() -> None:
    copying = Copying(CopyKind.FULL, 3, 10, 1.5, "3/10 kB (30%)")
    facts = _facts(_segment(1, -1, Role.PRIMARY), _segment(8, 0, Role.MIRROR, copying))
    assert Facts.from_json(facts.to_json()) == facts


def test_facts_without_lock_and_copy_survive_json() -> None:
    facts = _facts(_segment(1, -1, Role.PRIMARY))
    assert Facts.from_json(facts.to_json()).segment(1).copying is None


def test_the_peer_of_a_segment_has_its_content() -> None:
    facts = _facts(_segment(1, -1, Role.PRIMARY), _segment(2, 0, Role.PRIMARY), _segment(8, 0, Role.MIRROR))
    peer = facts.peer(facts.segment(2))
    assert peer is not None
    assert peer.dbid == 8
    assert facts.mirrored


@pytest.mark.parametrize(("location", "expected"), [("0/16B3748", 0x16B3748), ("2/0", 2 << 32)])
def test_a_wal_position_is_a_number_of_bytes(location: str, expected: int) -> None:
    assert lsn_bytes(location) == expected


def test_percent_is_zero_while_the_total_is_unknown() -> None:
    assert Copying(CopyKind.INCREMENTAL, 5, 0, 0.0).percent == 0
    assert Copying(CopyKind.INCREMENTAL, 5, 10, 0.0).percent == 50
