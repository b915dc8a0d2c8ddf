"""docs/configuration.md, from the models in gpmedic/settings.py: every setting with type, unit, default and meaning."""

import enum
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gpmedic.settings import ClusterSettings
from tests.docs.pages import DOCS

PAGE = DOCS / "configuration.md"
_BEGIN, _END = "<!-- settings: begin -->\n", "<!-- settings: end -->"
_WORDS = {str: "text", int: "number", bool: "true or false", Path: "path", SecretStr: "secret text"}


def reference() -> str:
    """The tables, in Markdown."""
    return "\n".join(_sections(ClusterSettings, ""))


def renewed(text: str) -> str:
    """The page with the tables as they are now."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{reference()}\n{_END}{after}"


def setting_names() -> frozenset[str]:
    """Such as `policy.approval_timeout`, and the sections themselves."""
    return frozenset(_names(ClusterSettings, ""))


def _sections(model: type[BaseModel], prefix: str) -> Iterator[str]:
    title = f"`[{prefix.rstrip('.')}]`" if prefix else "At the top"
    yield f"## {title}\n\n{' '.join((model.__doc__ or '').split())}\n"
    yield "| setting | type | default | meaning |\n|---|---|---|---|"
    inner = []
    for name, field in model.model_fields.items():
        section = _model_of(field.annotation)
        if section is not None:
            inner.append((section, f"{prefix}{name}."))
            needed = "required" if field.is_required() else "none" if field.default is None else "the defaults below"
            yield f"| [`{name}`](#{name}) | section | {needed} | {_cell(field.description or _first(section))} |"
        else:
            yield f"| `{name}` | {_type(field)} | {_default(field)} | {_cell(field.description or '')} |"
    yield ""
    for section, own in inner:
        yield from _sections(section, own)


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if (section := _model_of(field.annotation)) is not None:
            yield from _names(section, f"{prefix}{name}.")


def _model_of(annotation: object) -> type[BaseModel] | None:
    for one in (annotation, *typing.get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _first(model: type[BaseModel]) -> str:
    """The first sentence of what the model says of itself."""
    return re.split(r"[.;] ", " ".join((model.__doc__ or "").split()))[0].rstrip(".") + "."


def _type(field: FieldInfo) -> str:
    words = _words(field.annotation)
    limits = {type(m).__name__.lower(): m for m in field.metadata}
    low, high = getattr(limits.get("ge"), "ge", None), getattr(limits.get("le"), "le", None)
    if low is not None and high is not None:
        return f"{words}, {low} to {high}"
    return words if low is None else f"{words}, at least {low}"


def _words(annotation: object) -> str:
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choices(annotation)
    if isinstance(annotation, type) and annotation in _WORDS:
        return _WORDS[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return _choices(inner)
    if origin in {types.UnionType, typing.Union}:
        return " or ".join(_words(one) for one in inner if one is not types.NoneType)
    if origin is frozenset:
        return f"list of {_words(inner[0])}"
    if origin is typing.Annotated:
        return _words(inner[0])
    raise TypeError(f"no words for {annotation!r}")


def _choices(values: typing.Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, frozenset):
        return "`[]`"
    return f"`{value.value if isinstance(value, enum.Enum) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
