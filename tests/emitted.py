"""The events that gpmedic has emitted, as the Prefect server tells them."""

import time

import httpx


def events_of(server: str, cluster: str, name: str) -> list[dict[str, str]]:
    """The payloads of the events of this name, once one has reached the server."""
    query = {"filter": {"event": {"name": [f"gpmedic.{name}"]}, "resource": {"id": [f"gpmedic.cluster.{cluster}"]}}}
    deadline = time.monotonic() + 30  # the server stores events in batches
    while True:
        found = httpx.post(f"{server}/events/filter", json=query, timeout=10).raise_for_status().json()["events"]
        if found or time.monotonic() > deadline:
            return [event["payload"] for event in found]
        time.sleep(0.1)
