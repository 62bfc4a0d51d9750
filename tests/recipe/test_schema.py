from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.recipe import Given, Origin, Recipe, catalog, json_schema
from trainwright.recipe.resolving import mistakes

SCHEMA = json_schema()
TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict, "null": type(None)}


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """Judges a value by the part of JSON Schema that the schema uses; written from the specification."""
    known = {"type", "enum", "const", "anyOf", "properties", "additionalProperties", "pattern", "minLength"}
    bounds = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}
    annotations = {"title", "description", "default", "examples", "$schema"}
    ours = {"unit", "source", "scale", "applies", "needs", "dosed", "also_called"}
    assert not schema.keys() - known - bounds - annotations - ours, schema.keys()
    types = schema.get("type", list(TYPES))
    types = [types] if isinstance(types, str) else types
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = [isinstance(value, TYPES[name]) and (name in ("boolean",) or not isinstance(value, bool)) for name in types]
    checks = [
        any(fits),
        value in schema.get("enum", [value]),
        value == schema.get("const", value),
        not schema.get("anyOf") or any(accepts(arm, value) for arm in schema["anyOf"]),
        not is_number or "minimum" not in schema or value >= schema["minimum"],
        not is_number or "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"],
        not is_number or "maximum" not in schema or value <= schema["maximum"],
        not is_number or "exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"],
        not isinstance(value, str) or len(value) >= schema.get("minLength", 0),
        not isinstance(value, str) or "pattern" not in schema or bool(re.search(schema["pattern"], value)),
    ]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        checks += [accepts(properties[name], entry) for name, entry in value.items() if name in properties]
        checks.append(schema.get("additionalProperties", True) or not value.keys() - properties.keys())
    return all(checks)


def nested(values: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tree.setdefault(section, {})[name] = value
    return tree


def test_it_is_json_and_says_its_dialect():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(SCHEMA["properties"]) == list(Recipe.model_fields)


def test_every_setting_is_described():
    for key, row in catalog().items():
        section, _, name = key.partition(".")
        entry = SCHEMA["properties"][section]["properties"][name]
        assert entry["description"] == row.meaning
        assert entry["default"] == row.default
        assert entry["unit"] == row.unit
        assert accepts(entry, row.default)


def test_nothing_else_is_allowed():
    assert SCHEMA["additionalProperties"] is False
    assert all(section["additionalProperties"] is False for section in SCHEMA["properties"].values())


@given(data=st.data())
def test_it_accepts_every_valid_recipe(any_recipe, data):
    recipe = data.draw(any_recipe)
    assert accepts(SCHEMA, nested(dict(recipe.items())))


def test_it_accepts_an_empty_section():
    assert accepts(SCHEMA, {"optim": None})
    assert accepts(SCHEMA, {})


odd_values = (
    st.none() | st.booleans() | st.integers(-2, 2000) | st.text(max_size=3) | st.sampled_from(["auto", "sgd", [], {}])
)


@given(key=st.sampled_from(list(catalog())), value=odd_values | st.floats(-2, 2).filter(lambda number: number % 1))
def test_it_judges_single_values_as_compose_does(key, value):
    accepted = not mistakes({key: Given(value, Origin("file", "here"))})
    assert accepts(SCHEMA, nested({key: value})) is accepted


@pytest.mark.parametrize("tree", [{"otpim": {}}, {"optim": {"lrr": 1}}, {"optim": 3}, [], {"optim": {"lr": "fast"}}])
def test_it_refuses_what_a_recipe_cannot_be(tree):
    assert not accepts(SCHEMA, tree)
