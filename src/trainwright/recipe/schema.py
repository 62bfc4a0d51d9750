"""The recipe as JSON Schema, so that editors complete and check a recipe while it is written."""

from __future__ import annotations

import inspect
from typing import Any

from .catalog import catalog
from .recipe import Recipe

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Describes the recipe file by JSON Schema 2020-12: types, choices, bounds, meanings, defaults, and nothing else.

    Rules between settings are not in it; `compose` holds them. `unit`, `source`, `scale`, `applies`, `needs`,
    `dosed` and `also_called` are annotations that validators pass over.
    """
    schema = Recipe.model_json_schema()
    sections: dict[str, Any] = {}
    for name, reference in schema["properties"].items():
        section = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        for setting_name, setting in section["properties"].items():
            del setting["title"]
            row = catalog()[f"{name}.{setting_name}"]
            if row.kind == "text" and not row.examples:
                setting["minLength"] = 1
        del section["title"]
        # A section with nothing under its name is read as an empty one.
        sections[name] = section | {"type": ["object", "null"]}
    return {
        "$schema": _DIALECT,
        "title": "trainwright recipe",
        "description": inspect.cleandoc(schema["description"]),
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }
