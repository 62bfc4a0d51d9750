"""Valid recipes of all kinds, drawn at random."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from trainwright.recipe import OPEN, Choice, Given, Origin, Recipe, Section, Setting, catalog, compose
from trainwright.recipe.catalog import section_class
from trainwright.recipe.rules import contradictions


def values(setting: Setting) -> st.SearchStrategy[object]:
    """Draws any valid value of a setting."""
    if setting.choices or setting.examples:
        return st.sampled_from(setting.choices or setting.examples)
    drawn: st.SearchStrategy[object]
    if setting.kind == "switch":
        drawn = st.booleans()
    elif setting.kind == "text":
        drawn = st.text(min_size=1) | st.binary(min_size=1).map(os.fsdecode) | st.sampled_from(["1e-3", "yes", "null"])
    elif setting.kind == "whole number":
        assert setting.low is not None
        assert setting.high is not None
        drawn = st.integers(int(setting.low), int(setting.high))
    else:
        assert setting.low is not None
        assert setting.high is not None
        low = setting.low if setting.low_included else math.nextafter(setting.low, math.inf)
        high = setting.high if setting.high_included else math.nextafter(setting.high, -math.inf)
        drawn = st.floats(low, high)
    return st.one_of(drawn, *map(st.just, setting.words))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Draws a valid recipe with values from the user, from a file, by default and, some, decided by auto."""
    keys = draw(st.lists(st.sampled_from(list(catalog())), unique=True))
    origins = st.builds(Origin, st.sampled_from(["user", "file"]), st.text())
    given = {key: Given(draw(values(catalog()[key])), draw(origins)) for key in keys}
    while True:
        broken = contradictions(sections_of(given))
        if not broken:
            break
        for contradiction in broken:
            for key in contradiction.keys:
                given.pop(key, None)
    recipe = compose(given)
    waiting = [key for key in recipe.undecided() if catalog()[key].kind in ("number", "whole number")]
    decided = draw(st.lists(st.sampled_from(waiting), unique=True, max_size=3)) if waiting else []
    concrete = {key: draw(values(catalog()[key]).filter(lambda value: value not in OPEN)) for key in decided}
    return recipe.decide([Choice(key, value, draw(st.text())) for key, value in concrete.items()])


def sections_of(given: dict[str, Given]) -> dict[str, Section]:
    """Builds sections whose rules may be broken, which `compose` would refuse."""
    found = {name: dict[str, object]() for name in Recipe.model_fields}
    for key, entry in given.items():
        section, _, name = key.partition(".")
        found[section][name] = entry.value
    return {name: section_class(name).model_validate(entries) for name, entries in found.items()}


@pytest.fixture(scope="session")
def any_recipe() -> st.SearchStrategy[Recipe]:
    """Gives the strategy to tests, which cannot import from here."""
    return recipes()


@pytest.fixture
def recipe_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a text into a recipe file."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write
