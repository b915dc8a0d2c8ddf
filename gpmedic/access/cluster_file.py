"""The file of a cluster as it is written: what a person wrote into it, comments too, stays."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import ParseError

from gpmedic.errors import AccessRefused


def read(path: Path) -> TOMLDocument:
    """The file; an empty document where there is none.

    Raises:
        AccessRefused: it cannot be read, or is no TOML.
    """
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise AccessRefused(f"{path} cannot be read ({error.strerror}).", "Name a readable file.") from None
    except UnicodeDecodeError:
        raise AccessRefused(f"{path} is not UTF-8, as TOML must be.", "Save that file as UTF-8.") from None
    except ParseError as error:
        where = f"line {error.line}, column {error.col}"  # never its text: it may be a password
        raise AccessRefused(f"{path} is not valid TOML ({where}).", "Correct that file.") from None


def merge(document: TOMLDocument, wanted: Mapping[str, Any]) -> None:
    """Put settings into the document: values, and sections of values; what is there already stays as it is written."""
    for key, value in wanted.items():
        if not isinstance(value, Mapping):
            if document.get(key) != value:
                document[key] = value
            continue
        if key not in document:
            document[key] = tomlkit.table()
        section: Any = document[key]
        for name, one in value.items():
            if section.get(name) != one:
                section[name] = one


def save(path: Path, text: str) -> bool:
    """Write the file for our user alone, whole or not at all; False where it says so already.

    Raises:
        AccessRefused: it could not be written.
    """
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            path.chmod(0o600)
            return False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
        try:
            with os.fdopen(fresh, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        action = "See whether that folder is yours, and whether the disk is full."
        raise AccessRefused(f"{path} could not be written ({error.strerror}); it is as it was.", action) from None
    return True
