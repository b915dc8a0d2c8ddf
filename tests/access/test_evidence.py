"""The evidence of both copies, read from the coordinator's host, also where a host is silent."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpmedic.access.evidence import read_evidence
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.practice import Fault, PracticeCluster


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeCluster]:
    with PracticeCluster(f"evidence-{os.getpid()}", "6") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def snapshot(practice: PracticeCluster) -> Cluster:
    return observe(practice.settings).cluster


def evidence(practice: PracticeCluster, snapshot: Cluster, segments: list[Segment]) -> dict[str, str]:
    with Shell.connect(practice.settings.ssh) as shell:
        return dict(read_evidence(shell, practice.settings.greenplum, snapshot.coordinator.port, segments))


def logs_of(practice: PracticeCluster, host: str) -> Path:
    folder = practice.folder / "hosts" / host / "gpAdminLogs"
    folder.mkdir(exist_ok=True)
    return folder


def test_evidence_holds_what_answers_and_a_silent_host_costs_its_deadline_once(
    practice: PracticeCluster, snapshot: Cluster
) -> None:
    wanted = [s for s in snapshot.segments if s.content >= 0]
    option = replace(wanted[0], dbid=99, hostname="-oProxyCommand=touch x")
    on_the_silent_host = [s for s in wanted if s.hostname == "sdw1"]
    practice.break_(Fault.SSH_SILENT, host="sdw1")
    try:
        parts = evidence(practice, snapshot, [*wanted, option])
    finally:
        practice.heal(Fault.SSH_SILENT, host="sdw1")
    assert len(on_the_silent_host) == 4
    passed_over = [s for s in on_the_silent_host if "sdw1 has not answered" in parts[f"dbid {s.dbid} on sdw1"]]
    assert len(passed_over) == 3, "the host's five seconds are waited for once, not for each of its segments"
    assert "is not a host name" in parts["dbid 99"]
    for segment in wanted:
        said = parts[f"dbid {segment.dbid} on {segment.hostname}"]
        assert ("\nNewest WAL file: 00000001" in said) is (segment.hostname != "sdw1"), said
        assert ("Database cluster state" in said) is (segment.hostname != "sdw1"), said


def test_a_log_of_long_lines_is_kept_without_passwords_and_leaves_pg_controldata_its_place(
    practice: PracticeCluster, snapshot: Cluster
) -> None:
    segment = next(s for s in snapshot.segments if s.hostname == "sdw2" and s.content >= 0)
    lines = ["x" * 5000] * 200
    last = "ALTER ROLE u PASSWORD 'hunter2'\x1b[2J"
    (Path(segment.datadir) / "pg_log" / "newest.csv").write_text("\n".join([*lines, last, ""]))
    kept = evidence(practice, snapshot, [segment])[f"dbid {segment.dbid} on sdw2"]
    assert kept.startswith("== pg_controldata\n")
    assert "Database cluster state" in kept
    assert "PASSWORD ***?[2J" in kept
    assert "hunter2" not in kept
    assert len(kept) < 25_000


def test_the_newest_log_of_each_utility_and_of_what_copied_into_a_directory_is_kept(
    practice: PracticeCluster, snapshot: Cluster
) -> None:
    """Where gpstate had a log, that of gprecoverseg was not kept; that of pg_rewind never was."""
    here, there = logs_of(practice, "mdw"), logs_of(practice, "sdw2")
    for utility in ("gprecoverseg", "gpstate", "gpstop", "gpstart", "gpinitstandby"):
        (here / f"{utility}_20261122.log").write_text(f"{utility} of yesterday\n")
        (here / f"{utility}_29991231.log").write_text(f"{utility} of today\n")
    segment = next(s for s in snapshot.segments if s.hostname == "sdw2" and s.content >= 0)
    end = f"dbid{segment.dbid}.out"
    (there / f"pg_rewind.20261122_092656.{end}").write_text("an older rewind\n")
    (there / f"pg_rewind.20261123_092704.{end}").write_text("1/2 kB (50%) copied\rcould not find previous WAL record\n")
    (there / f"pg_rewind.20261123_092709.dbid9{segment.dbid}.out").write_text("the rewind of another\n")
    (there / f"pg_basebackup.20261123_092704.{end}").write_text("a copy that failed\n")
    parts = evidence(practice, snapshot, [segment])
    kept, utilities = parts[f"dbid {segment.dbid} on sdw2"], next(t for h, t in parts.items() if "utilities" in h)
    assert f"== end of {there}/pg_rewind.20261123_092704.{end}\n" in kept
    assert "\ncould not find previous WAL record" in kept
    assert "a copy that failed" in kept
    assert "an older rewind" not in kept
    assert "the rewind of another" not in kept
    for utility in ("gprecoverseg", "gpstate", "gpstop", "gpstart", "gpinitstandby"):
        assert f"{utility} of today" in utilities
    assert "of yesterday" not in utilities
