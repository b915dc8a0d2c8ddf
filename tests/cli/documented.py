"""What `--json` prints, held against the schema that is documented for it."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent.parent.parent / "docs" / "schemas"


def assert_documented(command: str, printed: str) -> Any:
    """What was printed, which has the documented fields and no other."""
    from gpmedic.json_shapes import file_name

    schema = json.loads((SCHEMAS / file_name(command)).read_text())
    shown = json.loads(printed)
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(_closed(schema)).iter_errors(shown)
    ]
    assert not errors, errors
    return shown


def _closed(schema: Any) -> Any:
    """The schema without leave for further fields, which it gives to later versions."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    return {**closed, "additionalProperties": False} if "properties" in schema else closed
