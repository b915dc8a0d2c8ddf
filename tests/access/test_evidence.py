"""The evidence of both copies, read from the coordinator's host, also where a host is silent."""

import os
import time
from dataclasses import replace
from pathlib import Path

from gpmedic.access.evidence import read_evidence
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.practice import Fault, PracticeCluster


def test_evidence_holds_what_answers_and_a_silent_host_costs_its_deadline_once() -> None:
    with PracticeCluster(f"evidence-{os.getpid()}", "6") as cluster:
        settings = cluster.settings
        snapshot = observe(settings).cluster
        cluster.break_(Fault.SSH_SILENT, host="sdw1")
        wanted = [s for s in snapshot.segments if s.content >= 0]
        option = replace(wanted[0], dbid=99, hostname="-oProxyCommand=touch x")
        logged = next(s for s in wanted if s.hostname == "sdw2")
        (Path(logged.datadir) / "pg_log" / "newest.csv").write_text("ALTER ROLE u PASSWORD 'hunter2'\x1b[2J\n")
        on_the_silent_host = [s for s in wanted if s.hostname == "sdw1"]
        with Shell.connect(settings.ssh) as shell:
            began = time.monotonic()
            parts = dict(read_evidence(shell, settings.greenplum, snapshot.coordinator.port, [*wanted, option]))
            took = time.monotonic() - began
    assert len(on_the_silent_host) == 4
    assert took < 15, "the host's five seconds are waited for once, not for each of its segments"
    assert "is not a host name" in parts["dbid 99"]
    kept = parts[f"dbid {logged.dbid} on sdw2"]
    assert "PASSWORD ***?[2J" in kept
    assert "hunter2" not in kept
    for segment in wanted:
        said = parts[f"dbid {segment.dbid} on {segment.hostname}"]
        assert ("Database cluster state" in said) is (segment.hostname != "sdw1"), said
