"""What earlier runs rule out, for how long, and what is proposed then."""

import pytest

from domain.clusters import V6, V7, V43, failed_over, healthy, mirror_down
from gpmedic.capabilities import Capabilities
from gpmedic.check import Check, CheckName, Verdict
from gpmedic.cluster import Cluster, Generation, Version
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.known_causes import known_cause
from gpmedic.ruled_out import RULES_OUT, RuledOut, by_checks, by_logs, by_run, merged, next_kind, uncleared
from gpmedic.table import plain

INC, D, F = RecoveryType.INCREMENTAL, RecoveryType.DIFFERENTIAL, RecoveryType.FULL
LESSER = frozenset({INC, D})
HEAD = "20260102:03:04:05:000099 gprecoverseg:mdw:gpadmin-[INFO]:-"


def said(*lines: str) -> str:
    return "".join(f"{HEAD}{line}\n" for line in ("Starting gprecoverseg with args: -a", *lines))


def parameters(kind: str = "Incremental", directory: str = "/data/primary/gpseg1") -> tuple[str, ...]:
    """Of dbid 3, a former primary on sdw1."""
    return (
        "Greenplum instance recovery parameters",
        "-" * 54,
        "Recovery type              = Standard",
        "-" * 54,
        "Recovery 1 of 1",
        "-" * 54,
        f"   Synchronization mode                 = {kind}",
        "   Failed instance host                 = sdw1",
        "   Failed instance address              = sdw1",
        f"   Failed instance directory            = {directory}",
        "   Failed instance port                 = 6001",
        "   Recovery Source instance host        = sdw3",
        "   Recovery Source instance address     = sdw3",
        "   Recovery Source instance directory   = /data/mirror/gpseg1",
        "   Recovery Source instance port        = 7001",
        "   Recovery Target                      = in-place",
        "-" * 54,
    )


def failed(kind: str) -> tuple[str, ...]:
    return (
        "Failed to recover the following segments. You must run gprecoverseg -F for all incremental failures",
        f" hostname: sdw1; port: 6001; logfile: /home/gpadmin/x.out; recoverytype: {kind}",
    )


DOWN = failed_over(healthy(V6), 1)


@pytest.mark.parametrize("kind", RecoveryType)
def test_a_run_that_names_a_mirror_as_failed_rules_out_its_own_way_and_every_lesser_one(kind: RecoveryType) -> None:
    (found,) = by_run(said(*parameters(kind.value.capitalize()), *failed(kind.value)), DOWN)
    assert (found.dbid, found.kinds) == (3, RULES_OUT[kind])
    assert found.kinds == {INC: {INC}, D: LESSER, F: LESSER}[kind]
    assert f"the {kind.value} recovery of dbid 3 has failed" in found.why


def test_a_mirror_that_is_up_again_and_a_run_that_cannot_be_read_rule_nothing_out() -> None:
    text = said(*parameters(), *failed("incremental"))
    assert by_run(text, healthy(V6)) == ()
    assert by_run(text + f"{HEAD}something that nobody knows\n", DOWN) == ()


def test_a_run_that_was_cut_off_while_it_copied_leaves_a_copy_that_cannot_be_trusted() -> None:
    begun = said(*parameters(), "Initiating segment recovery. Upon completion, will start the successfully recovered")
    begun = begun.replace("successfully recovered\n", "successfully recovered segments\n")
    (found,) = by_run(begun, DOWN)
    assert (found.dbid, found.kinds) == (3, {INC})
    assert "cannot be trusted" in found.why
    assert by_run(said(*parameters()), DOWN) == (), "it had not begun"
    assert by_run(begun.replace("/data/primary/gpseg1", "/data/elsewhere"), DOWN) == (), "it was another place"


def test_a_mirror_that_was_copied_and_did_not_start_rules_nothing_out() -> None:
    lines = (
        "Failed to start the following segments. Please check the latest logs located in segment's data directory",
        " hostname: sdw1; port: 6001; datadir: /data/primary/gpseg1",
    )
    assert by_run(said(*parameters(), *lines), DOWN) == ()


def test_a_run_of_4_3_speaks_only_of_the_mirrors_that_it_set_out_to_recover() -> None:
    cluster = failed_over(healthy(V43), 1, 0)
    ports = [line.replace(" port ", " replication port ") for line in parameters() if " port " in line]
    of_one = [*parameters()[:-2], *ports, *parameters()[-2:]]
    (found,) = by_run(said(*of_one, "Updating segments for resynchronization is completed."), cluster)
    assert (found.dbid, found.kinds) == (3, {INC})


UP_6 = "FTS: update role, status, and mode for dbid 3 with contentid 1 to m, u, and s"
DOWN_6 = "FTS: update role, status, and mode for dbid 3 with contentid 1 to m, d, and n"
DOWN_43 = "FTS: content 1 fault marking status DOWN mode: s role: m"
GONE_WAL = "could not receive data from WAL stream: ERROR:  requested WAL segment 00A has already been removed"
FULL_DISK = "could not extend file: No space left on device"
NOTHING = "gprecoverseg: segment config for resync: segment mode and status"


@pytest.mark.parametrize(
    ("line", "generation", "holds"),
    [
        (UP_6, Generation.WAL, False),
        (DOWN_6, Generation.WAL, True),  # gprecoverseg had called it up, FTS knows better
        (NOTHING, Generation.WAL, True),
        (DOWN_43, Generation.FILEREP, False),  # only what was up goes down: another failure
        (NOTHING, Generation.FILEREP, True),
    ],
)
def test_what_failed_holds_until_the_mirror_has_been_up(line: str, generation: Generation, holds: bool) -> None:
    found = (RuledOut(3, frozenset({INC}), "so"), RuledOut(9, frozenset({INC}), "so"))
    assert [r.dbid for r in uncleared(found, [(3, line)], generation)] == ([3, 9] if holds else [9])


def test_a_directory_that_is_gone_rules_out_all_but_a_full_copy_and_other_checks_rule_out_nothing() -> None:
    gone = Check(CheckName.DATA_DIRECTORY, "dbid 8", Verdict.FAIL, "/data does not exist", "Mount it.", lost=8)
    seen = Check(CheckName.DATA_DIRECTORY, "dbid 9", Verdict.WARN, "/data does not exist", "Say no.", lost=9)
    other = Check(CheckName.DISK_SPACE, "dbid 10", Verdict.FAIL, "full", "Make room.")
    assert by_checks((gone, seen, other)) == (RuledOut(8, LESSER, "/data does not exist"),)


def test_a_log_that_says_that_wal_is_gone_rules_out_the_incremental_recovery_and_another_cause_nothing() -> None:
    mirror = mirrors(V6, 0).segment(8)
    told = [(mirror, one) for line in (GONE_WAL, FULL_DISK) if (one := known_cause(line)) is not None]
    found = by_logs(told, INC)
    why = f"of dbid 8: WAL that the mirror needs is no longer there (its log: {plain(GONE_WAL)})"
    assert found == (RuledOut(8, frozenset({INC}), why),)
    assert by_logs(told, D) == (), "a differential recovery brings what is gone"


def test_reasons_of_one_mirror_are_put_together() -> None:
    found = merged([RuledOut(8, frozenset({INC}), "a"), RuledOut(3, LESSER, "b"), RuledOut(8, frozenset({D}), "c")])
    assert found == (RuledOut(3, LESSER, "b"), RuledOut(8, LESSER, "a; c"))


def mirrors(version: Version, *contents: int) -> Cluster:
    return mirror_down(healthy(version), *contents)


REWIND = RuledOut(8, frozenset({INC}), "pg_rewind")
GONE = RuledOut(11, LESSER, "gone")


@pytest.mark.parametrize(
    ("cluster", "has_differential", "found", "expected"),
    [
        (mirrors(V7, 0, 3), True, (REWIND,), (D, (8,))),
        (mirrors(V7, 0, 3), True, (REWIND, GONE), (F, (11,))),
        (mirrors(V7, 0), True, (REWIND, GONE), (D, (8,))),  # when that full copy has been made
        (mirrors(V7, 0, 3), False, (REWIND, GONE), (F, (8, 11))),
        (mirrors(V7, 0), True, (RuledOut(8, LESSER, "both"),), (F, (8,))),
        (mirrors(V6, 0), True, (REWIND,), (D, (8,))),
        (mirrors(V6, 0, 3), True, (REWIND,), (F, (8,))),  # --differential alone would take the other too
        (mirrors(V6, 0), False, (REWIND,), (F, (8,))),
        (mirrors(V43, 0), False, (REWIND,), (F, (8,))),
        (mirrors(V6, 1), False, (REWIND,), None),
        (mirrors(V6, 0), True, (), None),
    ],
)
def test_differential_where_it_is_available_and_not_ruled_out_else_a_full_copy_of_those_alone(
    cluster: Cluster,
    has_differential: bool,
    found: tuple[RuledOut, ...],
    expected: tuple[RecoveryType, tuple[int, ...]] | None,
) -> None:
    options = frozenset({"-a", "--differential"} if has_differential else {"-a"})
    chosen = next_kind(found, cluster, Capabilities(cluster.version, recover_options=options))
    assert (chosen and (chosen[0], tuple(r.dbid for r in chosen[1]))) == expected
