"""How a parameter of a flow is shown in the form with which a person starts a run."""

from typing import Any

from pydantic import Field, JsonValue


def form_field(title: str, description: str, **limits: Any) -> Any:
    """What `Annotated` takes for a parameter that people fill in.

    Prefect writes the parameter's name over the title of a plain Field, and nothing over its description.

    Args:
        title: instead of the parameter's name.
        description: what to enter, for somebody who has never seen it.
        limits: of the value, as pydantic's Field takes them.
    """
    shown: dict[str, JsonValue] = {"title": title, "description": description}
    return Field(title=title, description=description, json_schema_extra=shown, **limits)
