import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clusters import V6, V7, V43
from gpmedic.capabilities import Capabilities, Support, parse_version
from gpmedic.cluster import Family, Generation
from gpmedic.errors import AccessRefused


@pytest.mark.parametrize(
    ("text", "family", "major", "minor", "short"),
    [
        (
            "PostgreSQL 8.2.15 (Greenplum Database 4.3.99.00 build Deepgreen DB) on x86_64-unknown-linux-gnu",
            Family.GREENPLUM,
            4,
            3,
            "4.3.99.00",
        ),
        (
            "PostgreSQL 9.4.26 (Greenplum Database 6.24.3 build commit:25d3498a400c Open Source) on x86_64",
            Family.GREENPLUM,
            6,
            24,
            "6.24.3",
        ),
        ("PostgreSQL 12.12 (Greenplum Database 7.0.0-beta.1 build dev)", Family.GREENPLUM, 7, 0, "7.0.0-beta.1"),
        ("PostgreSQL 14.4 (Cloudberry Database 1.5.4 build commit:1)", Family.CLOUDBERRY, 1, 5, "1.5.4"),
        ("PostgreSQL 14.4 (Apache Cloudberry 2.0.0-incubating build 1)", Family.CLOUDBERRY, 2, 0, "2.0.0-incubating"),
    ],
)
def test_the_version_is_read_from_what_the_database_calls_itself(
    text: str, family: Family, major: int, minor: int, short: str
) -> None:
    version = parse_version(text)
    assert (version.family, version.major, version.minor, version.text) == (family, major, minor, short)


@pytest.mark.parametrize("text", ["PostgreSQL 16.2 on x86_64", "", "Greenplum", "(Greenplum Database )"])
def test_a_database_that_is_not_greenplum_is_refused_with_a_next_action(text: str) -> None:
    with pytest.raises(AccessRefused, match="not Greenplum; nothing was touched") as refused:
        parse_version(text)
    assert refused.value.next_action


@given(st.text(max_size=300))
def test_whatever_a_database_calls_itself_is_a_version_or_a_refusal_of_one_line(text: str) -> None:
    try:
        version = parse_version(text)
    except AccessRefused as refused:
        assert str(refused).isprintable()
    else:
        assert version.text in text


@pytest.mark.parametrize(
    ("version", "generation", "variable", "guc"),
    [
        (V43, Generation.FILEREP, "MASTER_DATA_DIRECTORY", "gp_session_role"),
        (V6, Generation.WAL, "MASTER_DATA_DIRECTORY", "gp_session_role"),
        (V7, Generation.WAL, "COORDINATOR_DATA_DIRECTORY", "gp_role"),
        (
            parse_version("PostgreSQL 14.4 (Cloudberry Database 1.5.4 build 1)"),
            Generation.WAL,
            "COORDINATOR_DATA_DIRECTORY",
            "gp_role",
        ),
    ],
)
def test_each_generation_has_its_own_words(version, generation, variable, guc) -> None:  # type: ignore[no-untyped-def]
    able = Capabilities(version)
    assert able.generation is generation
    assert able.data_directory_variable == variable
    assert able.utility_role_guc == guc
    assert able.has_fts_on_demand is (generation is Generation.WAL)


@pytest.mark.parametrize(
    ("name", "support"),
    [
        ("Greenplum Database 4.2.8", Support.OBSERVES),
        ("Greenplum Database 4.3.99", Support.ACTS),
        ("Greenplum Database 5.29.1", Support.OBSERVES),
        ("Greenplum Database 6.0.0", Support.ACTS),
        ("Greenplum Database 7.1.0", Support.ACTS),
        ("Greenplum Database 8.0.0", Support.OBSERVES),
        ("Cloudberry Database 1.5.4", Support.OBSERVES),
    ],
)
def test_only_versions_held_against_recordings_are_acted_on(name: str, support: Support) -> None:
    assert Capabilities(parse_version(f"PostgreSQL 9 ({name} build 1)")).support is support
