from gpmedic.errors import GpmedicError, UtilityFailed


def test_what_a_utility_said_cannot_write_on_the_terminal_nor_begin_a_line_of_the_log() -> None:
    tail = "\x1b[2J\x1b]0;owned\x07no\nERROR: forged line\u202e"
    for error in (UtilityFailed(("gprecoverseg", "-a"), 2, tail, tail), GpmedicError(tail, tail)):
        assert str(error).isprintable()
        assert "forged line" in str(error)
