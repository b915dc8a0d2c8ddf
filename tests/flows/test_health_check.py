"""What a health check leaves for people and automations: artifacts, and one event for each condition."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.states import Failed

from flows.health_check import health_check
from flows.health_note import newest_note
from gpmedic.access import brake
from gpmedic.access.ssh import Shell
from gpmedic.practice import Fault, PracticeCluster
from gpmedic.settings import CONFIG_VARIABLE
from tasks.claim import CLAIM_TAG
from tasks.notify import Progress, listening
from tasks.question import REQUEST_PREFIX


@pytest.fixture
def mirror_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PracticeCluster]:
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path))
    with PracticeCluster(f"health-{os.getpid()}", "6") as cluster:
        cluster.register()
        cluster.break_(Fault.KILL_MIRROR, content=3)
        cluster.wait_until(lambda facts: any(s.status.value == "d" for s in facts.segments))
        yield cluster
        cluster.unregister()


def condition_events(url: str, cluster: str) -> list[dict[str, object]]:
    resource = {"id": [f"gpmedic.cluster.{cluster}"]}
    query = {"filter": {"event": {"prefix": ["gpmedic.condition."]}, "resource": resource}}
    found = httpx.post(f"{url}/events/filter", json=query, timeout=10)
    found.raise_for_status()
    return list(found.json()["events"])


def test_a_health_check_emits_one_event_a_condition_and_keeps_a_page_and_a_table(
    mirror_down: PracticeCluster, prefect_server: str
) -> None:
    with Shell.connect(mirror_down.settings.ssh) as shell:
        brake.pull(shell, mirror_down.settings, "anna: storage migration")
    report = health_check(mirror_down.name)
    assert not report.healthy

    deadline = time.monotonic() + 15  # the server stores events in batches
    while not (events := condition_events(prefect_server, mirror_down.name)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [event["event"] for event in events] == ["gpmedic.condition.mirror_down"]
    payload = events[0]["payload"]
    assert isinstance(payload, dict)
    assert (payload["contents"], payload["dbids"], payload["severity"]) == ([3], [11], "warning")

    note = newest_note(mirror_down.name)
    assert note is not None
    assert note.segments == {"healthy": 12, "not in sync": 1, "down": 1}

    with get_client(sync_client=True) as client:
        kept = {a.type: a.data for a in client.read_artifacts() if a.key and mirror_down.name in a.key}
    assert "Mirror down" in str(kept["markdown"])
    assert re.search(r"The brake is on: .*anna: storage migration", str(kept["markdown"]))
    assert "sdw1" in str(kept["table"])

    # An unanswered run that another version has left behind is told, and does not end this health check nor the next.
    with get_client(sync_client=True) as client:
        failed = Failed(message="The flow was paused and never resumed.")
        run = client.create_flow_run(health_check, parameters={"cluster": "x"}, tags=[f"{CLAIM_TAG}{mirror_down.name}"])
        client.set_flow_run_state(run.id, failed, force=True)
        client.create_flow_run_input(run.id, key=f"{REQUEST_PREFIX}recover", value='{"key": "of another version"}')
    told = list[Progress]()
    with listening(told.append):
        for _ in range(2):
            assert not health_check(mirror_down.name).healthy
    assert len([p for p in told if run.name in p.text and "cannot be read" in p.text]) == 1
