"""The page for whoever has to restore from a backup."""

from domain.clusters import V6, V43, healthy, mirror_down, mirrorless
from gpmedic.cluster import Cluster, Version
from gpmedic.copies import Comparison, Presence, compare, inspect
from gpmedic.handoff import handoff_markdown

DOWN = "2026-11-23 08:46:35 UTC FTS: update role, status, and mode for dbid 9 with contentid 1 to m, d, and n"
CAUGHT_UP = "2026-11-22 08:46:39 UTC FTS: update role, status, and mode for dbid 9 with contentid 1 to m, u, and s"
STARTED = "2026-11-22 08:46:37 UTC FTS: update role, status, and mode for dbid 9 with contentid 1 to m, u, and n"
MISSING = (
    'pg_controldata: could not open file "/data/mirror/gpseg1/global/pg_control" for reading: No such file or directory'
)


def lost(cluster: Cluster, mirror_history: list[str], version: Version = V6) -> Comparison:
    pair = next(p for p in cluster.pairs if p.content == 1)
    mirror = None if pair.mirror is None else inspect(pair.mirror, MISSING, True, mirror_history)
    return compare(pair, inspect(pair.primary, None, False), mirror, version.generation)


def page(mirror_history: list[str], version: Version = V6) -> str:
    cluster = mirror_down(healthy(version), 1)
    # Markdown escapes what stands in a table.
    return handoff_markdown(cluster, [lost(cluster, mirror_history, version)]).replace("\\", "")


def row(text: str, dbid: int) -> str:
    """Of the second table, in which the times stand."""
    return next(n for n in text.splitlines() if n.startswith(f"| 1 | {dbid} | ") and "gpseg1" not in n)


def test_it_names_contents_hosts_directories_the_state_in_the_catalog_and_what_was_found() -> None:
    text = page([DOWN, CAUGHT_UP])
    assert "every copy of content 1 is lost" in text
    assert "1 of 6 contents" in text
    assert f"| 1 | 3 | sdw1 | /data/primary/gpseg1 | p/p n u | {Presence.GONE.value} |" in text
    assert f"| 1 | 9 | sdw3 | /data/mirror/gpseg1 | m/m n d | {Presence.UNUSABLE.value} |" in text


def test_it_says_when_a_copy_was_last_well_and_what_the_history_tells_next() -> None:
    assert row(page([DOWN, CAUGHT_UP, STARTED]), 9) == f"| 1 | 9 | {CAUGHT_UP} | {DOWN} |"
    again = DOWN.replace("46:35", "59:59")
    assert row(page([again, DOWN, CAUGHT_UP]), 9) == f"| 1 | 9 | {CAUGHT_UP} | {DOWN} |"
    assert (
        row(page([CAUGHT_UP, STARTED]), 9) == f"| 1 | 9 | {CAUGHT_UP} | nothing: so it was until it stopped answering |"
    )


def test_in_4_3_the_end_of_the_resynchronization_is_when_it_was_well() -> None:
    in_sync = "2026-11-22 08:46:39 UTC FTS: changed segment to insync from resync."
    down = "2026-11-23 08:46:35 UTC FTS: content 1 fault marking status DOWN role m"
    assert row(page([down, in_sync], V43), 9) == f"| 1 | 9 | {in_sync} | {down} |"


def test_where_the_history_does_not_tell_it_says_so() -> None:
    assert "| none: it was so since it was made, or the newest lines" in row(page([DOWN, STARTED]), 9)
    assert f"| {STARTED} (the oldest line that was read of it) |" in row(page([DOWN, STARTED]), 9)
    assert row(page([]), 3).endswith("begin later | nothing |")


def test_it_says_what_a_restore_needs_and_what_to_look_at_before() -> None:
    text = page([])
    for words in ("are mounted", "newest complete backup of every database", str(V6), "keep the old disks untouched"):
        assert words in text
    assert "evidence artifact of this run" in text


def test_a_primary_without_mirror_is_the_only_row() -> None:
    cluster = mirrorless()
    text = handoff_markdown(cluster, [lost(cluster, [])]).replace("\\", "")
    assert "| 1 | 3 | sdw1 |" in text
    assert "gpseg1 | m" not in text
