"""When a copy over a mirror may be proposed, of what kind, of which mirrors, and what forbids it."""

from dataclasses import replace

import pytest

from domain.clusters import V6, V7, V43, failed_over, healthy, mirror_down, probes
from gpmedic.capabilities import Capabilities
from gpmedic.cluster import Cluster, Generation, Mode, Version
from gpmedic.control_data import ControlData
from gpmedic.copies import Comparison, Copy, Current, Presence, compare
from gpmedic.diagnosis import Diagnosis, ProbeState, diagnose
from gpmedic.errors import UnsafeState
from gpmedic.full_copy import (
    CopyOver,
    make_copy_plan,
    named_as_failed,
    require_newer_source,
    require_same_targets,
    still_tracked,
)
from gpmedic.gprecoverseg import FailedSegment, Outcome, RecoverReport, RecoveryType
from gpmedic.plan import Action, Plan
from gpmedic.practice.facts import Release
from gpmedic.practice.utilities.gprecoverseg_config import read
from gpmedic.recovery_config import Dialect, parse
from gpmedic.recovery_config_lint import lint
from gpmedic.settings import PolicySettings

WANTED = CopyOver((8,), "pg_rewind of dbid 8 has failed", "/home/gpadmin/.gpmedic")
SOURCE, TARGET = 2, 8
SCOPED = "Nothing else is recovered by it."
UNSCOPED = "gprecoverseg -a has no narrower scope: a segment that goes down before it starts is copied over too."
RELEASES = {V43: Release.V4_3, V6: Release.V6, V7: Release.V7}
V70 = replace(V7, minor=0)


def plan_for(cluster: Cluster, wanted: CopyOver = WANTED, diagnosis: Diagnosis | None = None) -> Plan:
    seen = diagnosis or diagnose(cluster, probes(cluster))
    return make_copy_plan(seen, Capabilities(cluster.version), PolicySettings(), wanted)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (V43, "filespaceOrder=\nsdw2:7000:/data/mirror/gpseg0\n"),
        (V6, "sdw2|7000|/data/mirror/gpseg0\n"),
        (V7, "F|sdw2|7000|/data/mirror/gpseg0\n"),
        (V70, "sdw2|7000|/data/mirror/gpseg0\n"),
    ],
    ids=str,
)
def test_a_full_copy_is_of_the_failed_mirrors_alone_in_place_and_names_what_it_overwrites(
    version: Version, text: str
) -> None:
    step = plan_for(mirror_down(healthy(version), 0, 3)).steps[0]
    assert (step.action, step.dbids, step.contents) == (Action.RECOVER_FULL, (TARGET,), (0,))
    assert step.file is not None
    assert step.file.text == text
    assert step.argv == ("gprecoverseg", "-a", "-F", "-i", step.file.path)
    assert step.disruption.needs_approval
    assert "OVERWRITES these directories" in step.effect
    assert f" {SCOPED} " in step.effect
    assert "/data/mirror/gpseg0 on sdw2 (dbid 8, from dbid 2" in step.effect
    assert "pg_rewind of dbid 8 has failed" in step.effect


@pytest.mark.parametrize("version", [V43, V6, V7], ids=str)
def test_the_file_is_sound_has_one_group_a_line_and_the_stand_in_reads_of_it_what_is_meant(version: Version) -> None:
    cluster = mirror_down(healthy(version), 0, 3)
    for kind in (RecoveryType.FULL, RecoveryType.DIFFERENTIAL):
        if kind is RecoveryType.DIFFERENTIAL and version is not V7:
            continue
        step = plan_for(cluster, replace(WANTED, kind=kind)).steps[0]
        assert step.file is not None
        config = parse(step.file.text, Dialect.of_version(version))
        assert [line.target for line in config.lines] == [None], "the same group twice is a full copy of its own (T8)"
        assert lint(config, cluster) == ()
        (line,) = read(step.file.text, step.file.path, RELEASES[version])
        assert (line.failed, line.new) == (("sdw2", "7000", "/data/mirror/gpseg0"), ())
        assert line.copy == (kind.value if version is V7 else None)


def test_that_a_mirror_that_waits_in_vain_is_stopped_first_is_said_and_approved() -> None:
    cluster = mirror_down(healthy(V6), 0, 3)
    waits, dead = plan_for(cluster, replace(WANTED, waiting=(TARGET, 11))), plan_for(cluster)
    assert waits.steps[0].stops == (TARGET,)
    assert "What still runs of dbid 8 waits in vain, and gprecoverseg tries to stop it first" in waits.steps[0].effect
    assert "in vain" not in dead.steps[0].effect
    assert dead.steps[0].effect.endswith("Recovered only after it: dbid 11.")
    assert waits.fingerprint != dead.fingerprint


def test_a_differential_copy_says_so_in_the_file_and_is_another_approval() -> None:
    cluster, wanted = mirror_down(healthy(V7), 0, 3), replace(WANTED, kind=RecoveryType.DIFFERENTIAL)
    plan = plan_for(cluster, wanted)
    step = plan.steps[0]
    assert (step.action, step.dbids) == (Action.RECOVER_DIFFERENTIAL, (TARGET,))
    assert step.file is not None
    assert step.file.text == "D|sdw2|7000|/data/mirror/gpseg0\n"
    assert step.argv == ("gprecoverseg", "-a", "-i", step.file.path)
    assert "OVERWRITES these directories with a differential copy: /data/mirror/gpseg0" in step.effect
    assert f" {SCOPED} " in step.effect
    assert UNSCOPED not in step.effect
    assert plan.fingerprint != plan_for(cluster).fingerprint


@pytest.mark.parametrize("version", [V6, V70], ids=str)
def test_without_types_in_the_file_a_differential_copy_takes_everything_that_is_down_and_says_so_or_is_refused(
    version: Version,
) -> None:
    wanted = replace(WANTED, kind=RecoveryType.DIFFERENTIAL)
    step = plan_for(mirror_down(healthy(version), 0), wanted).steps[0]
    assert (step.argv, step.file) == (("gprecoverseg", "-a", "--differential"), None)
    assert f" {UNSCOPED} " in step.effect
    assert SCOPED not in step.effect
    with pytest.raises(UnsafeState, match="takes every segment that is down"):
        plan_for(mirror_down(healthy(version), 0, 3), wanted)


def test_the_approval_of_a_full_copy_is_another_one_than_that_of_the_recovery() -> None:
    cluster = mirror_down(healthy(), 0)
    other = replace(WANTED, dbids=(9,))
    assert plan_for(cluster).fingerprint != plan_for(cluster, other).fingerprint
    assert plan_for(cluster, other).step(Action.RECOVER_FULL) is None


@pytest.mark.parametrize("state", [ProbeState.REFUSED, ProbeState.STARTING, ProbeState.NOT_ADMITTED])
def test_nothing_is_overwritten_unless_its_source_answers(state: ProbeState) -> None:
    cluster = mirror_down(healthy(), 0)
    honest = diagnose(cluster, probes(cluster))
    silent = tuple(replace(p, state=state) if p.dbid == SOURCE else p for p in honest.probes)
    with pytest.raises(UnsafeState, match=r"only source .* nothing was overwritten"):
        plan_for(cluster, diagnosis=replace(honest, probes=silent))


@pytest.mark.parametrize("current", Current)
def test_a_copy_that_may_be_the_newer_one_is_never_overwritten(current: Current) -> None:
    comparison = Comparison(0, Copy(healthy().segment(SOURCE), Presence.READ), None, current, "so it is")
    if current in {Current.PRIMARY, Current.EITHER}:
        require_newer_source([comparison])
        return
    with pytest.raises(UnsafeState, match="might overwrite the newer copy"):
        require_newer_source([comparison])


OLD = ControlData("71", "shut down in recovery", 1, "0/400")
OTHER = replace(OLD, checkpoint="0/300")


def over(mirror: ControlData | Presence, waiting: tuple[int, ...] = (), primary: str = "0/500") -> CopyOver:
    """A copy over what was found of the mirror, by a primary that has come so far."""
    pair = mirror_down(healthy(), 0).pairs[0]
    assert pair.mirror is not None
    source = Copy(pair.primary, Presence.READ, ControlData("71", "in production", 1, primary))
    gone = isinstance(mirror, Presence)
    target = Copy(pair.mirror, mirror) if gone else Copy(pair.mirror, Presence.READ, mirror)
    return replace(WANTED, waiting=waiting, comparisons=(compare(pair, source, target, Generation.WAL),))


def test_a_yes_to_a_copy_does_not_cover_another_copy_that_lies_there_by_then() -> None:
    """A resumed run compares anew, so that only the fingerprint tells what the person was shown."""
    cluster = mirror_down(healthy(), 0)
    found = [plan_for(cluster, over(mirror)).fingerprint for mirror in (Presence.GONE, OLD, OTHER)]
    assert len(set(found)) == 3
    assert plan_for(cluster, over(OLD, primary="0/600")).fingerprint == found[1], "a primary at work moves on"
    with pytest.raises(UnsafeState, match="is not what was compared"):
        require_same_targets(over(OLD), over(OTHER).comparisons)
    require_same_targets(over(OLD), over(OLD).comparisons)


def test_of_a_mirror_that_still_runs_a_yes_covers_that_it_is_there_for_it_moves_on() -> None:
    cluster, waits = mirror_down(healthy(), 0), (TARGET,)
    there, later, gone = (plan_for(cluster, over(mirror, waits)) for mirror in (OLD, OTHER, Presence.GONE))
    assert there.fingerprint == later.fingerprint != gone.fingerprint
    require_same_targets(over(OLD, waits), over(OTHER, waits).comparisons)
    with pytest.raises(UnsafeState, match="is not what was compared"):
        require_same_targets(over(OLD, waits), over(Presence.GONE, waits).comparisons)


def test_pg_rewind_that_failed_names_the_mirror_by_host_and_port() -> None:
    cluster = failed_over(healthy(), 0)
    failed = FailedSegment("sdw1", 6000, RecoveryType.INCREMENTAL, "pg_rewind.log")
    assert named_as_failed(RecoverReport(Outcome.SOME_FAILED, failed=(failed,)), cluster) == (SOURCE,)
    full = replace(failed, type=RecoveryType.FULL)
    not_started = replace(failed, type=None, datadir="/data/primary/gpseg0")
    assert named_as_failed(RecoverReport(Outcome.SOME_FAILED, failed=(full, not_started)), cluster) == ()


@pytest.mark.parametrize("outcome", Outcome)
def test_in_4_3_only_a_run_that_has_tried_proves_that_change_tracking_does_not_end(outcome: Outcome) -> None:
    cluster = mirror_down(healthy(V43), 0)
    expected = (TARGET,) if outcome in {Outcome.RECOVERED, Outcome.SOME_FAILED} else ()
    assert still_tracked(RecoverReport(outcome), cluster) == expected
    assert still_tracked(RecoverReport(outcome), mirror_down(healthy(V6), 0)) == ()
    assert cluster.pairs[0].primary.mode is Mode.CHANGE_TRACKING
