"""Recipes as somebody asks for them, by settings with `__` for the dot."""

from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, Recipe, compose


def made(**values: object) -> Recipe:
    return compose({key.replace("__", "."): Given(value, Origin("user", key)) for key, value in values.items()})


def refused(**values: object) -> InputError:
    with pytest.raises(InputError) as caught:
        made(**values)
    return caught.value
