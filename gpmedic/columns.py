"""How many columns a text takes in a terminal; a Chinese character takes two."""

import textwrap


def width(text: str) -> int:
    """Columns."""
    if text.isascii():
        return len(text)
    import wcwidth  # its tables take longer to load than a command takes to start

    return wcwidth.width(text)


def padded(text: str, columns: int) -> str:
    """The text with blanks after it, so that it takes so many columns."""
    return text + " " * (columns - width(text))


def wrapped(text: str, columns: int, *, breaking_words: bool = True) -> list[str]:
    """Lines of at most so many columns, broken at blanks, and between Chinese characters.

    Args:
        breaking_words: else a longer word stays in one piece, where the text has blanks between its words at all.
    """
    if text.isascii():
        return textwrap.wrap(text, columns, break_on_hyphens=False, break_long_words=breaking_words)
    import wcwidth

    unspaced = wcwidth.width(text) > len(text)
    return wcwidth.wrap(text, columns, break_on_hyphens=False, break_long_words=breaking_words or unspaced)
