"""What is kept of others' logs holds no password and nothing that a terminal would obey."""

import pytest

from gpmedic.masking import fit_to_keep, masked


@pytest.mark.parametrize(
    "line",
    [
        "CREATE ROLE r PASSWORD 'hunter2'",
        "LOG: statement: alter user u with encrypted password 'hunter2' valid until 'x'",
        "s3 config secret=hunter2 region=x",
        "accessid: hunter2",
        "  Input should be a valid string [type=string_type, input_value=['hunter2, too'], input_type=list]",
        "ConnectError: https://prefect:hunter2@prefect.example.org/api does not answer",
    ],
)
def test_passwords_are_masked(line: str) -> None:
    assert "hunter2" not in masked(line)
    assert "***" in masked(line)


def test_lines_are_kept_and_what_a_terminal_obeys_is_not() -> None:
    assert fit_to_keep("one\ttab\n\x1b[2Jtwo\r\npassword\nhost") == "one\ttab\n?[2Jtwo?\npassword\nhost"
