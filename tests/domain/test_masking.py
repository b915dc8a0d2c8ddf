"""What is kept of others' logs holds no password and nothing that a terminal would obey."""

import time

import pytest

from gpmedic.masking import fit_to_keep, masked


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("CREATE ROLE r PASSWORD 'hunter2' LOGIN", "CREATE ROLE r PASSWORD *** LOGIN"),
        ("alter user u with encrypted password 'hunter2' valid until 'x'", "password *** valid until 'x'"),
        ("PASSWORD 'two hunter2 words' LOGIN", "PASSWORD *** LOGIN"),
        ("PASSWORD'two hunter2 words' LOGIN", "PASSWORD*** LOGIN"),
        ("PASSWORD 'it''s hunter2' LOGIN", "PASSWORD *** LOGIN"),
        (r"PASSWORD E'it\'s hunter2' LOGIN", "PASSWORD *** LOGIN"),
        ("PASSWORD U&'hunter2' LOGIN", "PASSWORD *** LOGIN"),
        ("PASSWORD $$it's hunter2$$ LOGIN", "PASSWORD *** LOGIN"),
        ("PASSWORD $q$it's $$ hunter2$q$ LOGIN", "PASSWORD *** LOGIN"),
        ("EXECUTE 'ALTER ROLE r PASSWORD ''hunter2'''", "PASSWORD ***'"),
        ("PASSWORD 'hunter2 and the line is cut", "PASSWORD ***"),
        ("PASSWORD $$a\nhunter2$$ LOGIN", "PASSWORD *** LOGIN"),
        ("s3 config secret=hunter2 region=x", "secret=*** region=x"),
        ("accessid: hunter2", "accessid: ***"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
        ("export PGPASSWORD='my hunter2'; psql", "PGPASSWORD=***; psql"),
        ("host=mdw password = 'my hunter2' user=u", "password = *** user=u"),
        ('{"user": "u", "password": "my hunter2", "port": 1}', '"password": ***, "port": 1}'),
        ('{"password":"my \\"hunter2\\"", "port": 1}', '"password":***, "port": 1}'),
        ("{'password': 'my hunter2', 'port': 1}", "'password': ***, 'port': 1}"),
        ('2026-11-23,"u","{""password"": ""my hunter2"", ""port"": 1}"', '""password"": ***, ""port"": 1}"'),
        (r'"{\"password\": \"my hunter2\", \"port\": 1}"', "***"),
        ("psql --password hunter2 -l", "--password *** -l"),
        ("postgres://u:hunter2@mdw:5432/db is not there", "postgres://***@mdw:5432/db is not there"),
        ("postgres://u:p@hunter2@mdw/db is not there", "postgres://***@mdw/db is not there"),
        ("https://prefect:hunter2@prefect.example.org/api does not answer", "https://***@prefect.example.org/api"),
        ("connecting to u:hunter2@mdw", "connecting to u:***@mdw"),
        ("connecting to u:a:hunter2@mdw", "connecting to u:***@mdw"),
        ("[type=string_type, input_value=['hunter2, too'], input_type=list]", "input_value=***, input_type=list]"),
    ],
)
def test_passwords_are_masked_and_what_stands_around_them_is_kept(line: str, kept: str) -> None:
    assert "hunter2" not in masked(line)
    assert kept in masked(line)


@pytest.mark.parametrize(
    "line",
    [
        "20261123:09:26:58:008945 gprecoverseg:mdw:gpadmin-[INFO]:-Starting",
        "Database system identifier:           7711282943095464301",
        "gpfdist://sdw1:8081/folder/file and somebody@example.org",
        "scp gpadmin@mdw:/data/x .",
        "2026-11-23 09:26:58.123 UTC,,,p4711,con1,,seg0",
    ],
)
def test_what_holds_no_password_is_kept_as_it_is(line: str) -> None:
    assert masked(line) == line


@pytest.mark.parametrize(
    "line",
    ["password " * 20_000, "password" * 1_000, "password='" + "\\" * 50_000, "u:" * 50_000, "://" + "a@" * 50_000],
)
def test_a_line_that_somebody_made_long_on_purpose_does_not_hold_the_look_up(line: str) -> None:
    began = time.process_time()
    masked(line)
    assert time.process_time() - began < 20


def test_lines_are_kept_and_what_a_terminal_obeys_is_not() -> None:
    assert fit_to_keep("one\ttab\n\x1b[2Jtwo\r\npassword\nhost") == "one\ttab\n?[2Jtwo?\npassword\nhost"
