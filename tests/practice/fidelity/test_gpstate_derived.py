"""What no recording shows: gpstate of 7, and states that are over before they can be recorded."""

import re
from dataclasses import replace

import pytest

from gpmedic.cluster import Role, Status
from gpmedic.practice.facts import Answer, Copying, CopyKind, Facts, HostFacts, LockFacts, Release, SshState
from gpmedic.practice.utilities.gpstate import Caller, render
from gpmedic.practice.utilities.gpstate_filerep import abbreviate
from gpmedic.practice.utilities.gpstate_options import parse
from gpmedic.practice.utilities.recovery_progress import progress_text
from tests.practice.fidelity.normalise import normalise
from tests.practice.fidelity.scene import facts_of
from tests.transcripts import Recorded, runs

STATES = ("a-healthy/01-gpstate", "c-primary-killed/04-gpstate-e", "d1-both-killed-gpstop-ar/09-gpstate-s")

# From a log of Greenplum 7.4.0 that its user published.
SUMMARY_OF_7 = """\
-   Coordinator instance                                      = Active
-   Coordinator standby                                       = No coordinator standby configured
-   Total segment instance count from metadata                = 12
-   Primary Segment Status
-   Total primary segments                                    = 6
-   Total primary segment valid (at coordinator)              = 6
-   Total primary segment failures (at coordinator)           = 0
-   Total number of postmaster.pid files missing              = 0
"""


def facts(name: str, release: Release = Release.V6) -> Facts:
    """As recorded, told as if the cluster were of this release."""
    generation: Recorded = "gp4" if release is Release.V4_3 else "gp6"
    run = next(run for run in runs(generation, "gpstate") if str(run) == name)
    return replace(facts_of(generation, run), release=release)


def gpstate(now: Facts, *arguments: str) -> tuple[str, int]:
    caller = Caller(now.coordinator.hostname, now.user, now.coordinator.datadir, progress_text(now))
    return render(now, parse(arguments, now.release), caller, lambda: "20261123:08:46:40:010153")


def copying(before: Facts, dbid: int, copy: Copying) -> Facts:
    """While gprecoverseg copies to one segment."""
    segments = tuple(replace(s, copying=copy) if s.dbid == dbid else s for s in before.segments)
    return replace(before, segments=segments, lock=LockFacts(77, alive=True))


@pytest.mark.parametrize("report", ["", "-e", "-s", "-m", "-c", "-Q", "-f", "-p"])
@pytest.mark.parametrize("state", STATES)
def test_7_says_coordinator_wherever_6_says_master_and_nothing_else_differs(state: str, report: str) -> None:
    arguments = report.split()
    text, code = gpstate(facts(state), *arguments)
    expected = re.sub(r"(?<![/\w])master\b", "coordinator", re.sub(r"\bMaster\b", "Coordinator", text))
    seven, seven_code = gpstate(facts(state, Release.V7), *arguments)
    assert (normalise(seven), seven_code) == (normalise(expected), code)


def test_the_summary_of_7_is_laid_out_like_a_published_one() -> None:
    now = facts("a-healthy/01-gpstate", Release.V7)
    now = replace(now, segments=tuple(s for s in now.segments if s is not now.standby))
    text, _ = gpstate(now)
    lines = [line.split("[INFO]:")[-1] for line in text.splitlines()]
    assert [line for line in SUMMARY_OF_7.splitlines() if line not in lines] == []


@pytest.mark.parametrize("release", [Release.V6, Release.V7])
def test_a_copy_at_work_is_shown_with_its_progress(release: Release) -> None:
    now = copying(
        facts("c-primary-killed/04-gpstate-e", release), 4, Copying(CopyKind.FULL, 52_428_800, 104_857_600, 0)
    )
    text, code = gpstate(now, "-e")
    assert "Segments in recovery" in text
    assert "-   sdw2      6000   full            51200                  102400             50%" in text
    assert code == 1


def test_7_shows_no_copy_of_a_gprecoverseg_that_was_killed() -> None:
    now = copying(facts("c-primary-killed/04-gpstate-e", Release.V7), 4, Copying(CopyKind.FULL, 1024, 2048, 0))
    now = replace(now, lock=LockFacts(77, alive=False))
    caller = Caller("mdw", now.user, now.coordinator.datadir, "full:4: 1/2 kB (50%)")
    text, _ = render(now, parse(["-e"], now.release), caller)
    assert "Segments in recovery" not in text


def test_a_rewind_is_named_in_the_status_of_its_primary() -> None:
    now = copying(facts("c-primary-killed/06-gpstate-s"), 4, Copying(CopyKind.INCREMENTAL, 0, 0, 1_795_423_610.5))
    text, _ = gpstate(now, "-s")
    assert "= Rewinding history to match primary timeline" in text
    assert "= 2026-11-23 08:46:50.500000+00" in text


def test_4_3_shows_how_far_a_running_resynchronization_is_and_when_it_may_end() -> None:
    before = facts("03-mirror-killed/13-gpstate-s-resync", Release.V4_3)
    copy = Copying(CopyKind.FULL, 40 * 1024**2, 160 * 1024**2, started=1_795_423_600.0)
    now = replace(copying(before, 6, copy), now=1_795_423_610.0)
    text, code = gpstate(now, "-s")
    for line in (
        "Resynchronization mode                  = Full",
        "Data synchronized                       = 40.0 MB",
        "Estimated total data to synchronize     = 160 MB",
        "Estimated resync progress with mirror   = 25.00%",
        "Estimated resync end time               = 2026-11-23 08:47:20",
    ):
        assert f"-      {line}\n" in text
    assert code == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1001, "1001 bytes"),
        (1301, "1.27 kB"),
        (13501, "13.2 kB"),
        (135401, "132 kB"),
        (1354015, "1.29 MB"),
        (1354401574, "1.26 GB"),
        (1754401577609464, "1.56 PB"),
    ],
)
def test_sizes_have_three_significant_digits(size: int, text: str) -> None:
    assert abbreviate(size) == text


@pytest.mark.parametrize("ssh", [SshState.REFUSED, SshState.SILENT, SshState.CUT, SshState.WRONG_KEY])
def test_a_host_that_ssh_does_not_reach_is_unknown_although_its_segments_stream(ssh: SshState) -> None:
    healthy = facts("a-healthy/04-gpstate-e")
    hosts = tuple(HostFacts(h.name, ssh=ssh) if h.name == "sdw1" else h for h in healthy.hosts)
    text, code = gpstate(replace(healthy, hosts=hosts), "-e")
    assert text.count("Unknown -- unable to load segment status") == 4
    assert "Unsynchronized" not in text
    assert code == 1


def test_a_primary_that_still_starts_rejects_connections() -> None:
    healthy = facts("a-healthy/04-gpstate-e")
    segments = tuple(replace(s, answer=Answer.STARTING) if s.dbid == 2 else s for s in healthy.segments)
    text, code = gpstate(replace(healthy, segments=segments), "-e")
    assert "Up              Rejecting Connections" in text
    assert "could not query segment 2 (sdw1:6000)" in text
    assert code == 1


@pytest.mark.parametrize(("answer", "reason"), [(Answer.STARTING, "starting up"), (Answer.REFUSED, "refused")])
def test_without_a_coordinator_nothing_but_the_reason_is_said(answer: Answer, reason: str) -> None:
    healthy = facts("a-healthy/04-gpstate-e")
    segments = tuple(replace(s, answer=answer) if s is healthy.coordinator else s for s in healthy.segments)
    text, code = gpstate(replace(healthy, segments=segments), "-e")
    assert reason in text
    assert "Obtaining Segment details" not in text
    assert code == 2


def test_a_data_directory_that_is_not_the_coordinators_is_refused() -> None:
    text, code = gpstate(facts("a-healthy/04-gpstate-e"), "-e", "-d", "/nonexistent")
    assert "(Reason='[Errno 2] No such file or directory: '/nonexistent/postgresql.conf'') exiting..." in text
    assert code == 2


def test_group_mirroring_is_told_from_spread_mirroring() -> None:
    healthy = facts("a-healthy/04-gpstate-e")
    grouped = tuple(
        replace(s, hostname="sdw2") if s.role is Role.MIRROR and s.content in (0, 1) else s for s in healthy.segments
    )
    assert all(s.status is Status.UP for s in grouped)
    assert "-Type = Spread" in gpstate(healthy, "-m")[0]
    assert "-Type = Group" in gpstate(replace(healthy, segments=grouped), "-m")[0]


def test_help_names_every_report() -> None:
    text, code = gpstate(facts("a-healthy/04-gpstate-e"), "--help")
    assert all(f"\n{report}\n" in text for report in ("-e", "-m", "-s", "-c", "-Q", "-f", "-x"))
    assert code == 0
