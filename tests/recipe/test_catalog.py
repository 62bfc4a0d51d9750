from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, Recipe, catalog, compose, describe
from trainwright.recipe.catalog import section_class
from trainwright.recipe.section import declared

ROWS = describe()


def test_the_catalog_has_every_setting_in_the_order_of_the_recipe():
    assert [row.key for row in ROWS] == [key for key, _ in Recipe().items()]
    assert [row.default for row in ROWS] == [value for _, value in Recipe().items()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_setting_explains_itself(row):
    assert row.meaning.endswith(".")
    assert row.source
    assert isinstance(row.unit, str)
    for word in row.words:
        assert f"`{word}`" in row.meaning


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_default_is_valid(row):
    section, _, name = row.key.partition(".")
    assert getattr(section_class(section).model_validate({name: row.default}), name) == row.default


@pytest.mark.parametrize("row", [row for row in ROWS if "number" in row.kind], ids=lambda row: row.key)
def test_every_number_has_a_range(row):
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.high
    if row.scale == "log":
        assert row.low >= 0


@pytest.mark.parametrize("row", [row for row in ROWS if row.choices], ids=lambda row: row.key)
def test_every_choice_is_explained(row):
    for choice in row.choices:
        assert f"`{choice}`" in row.meaning


def test_siblings_that_decide_exist_and_have_the_values():
    for row in ROWS:
        for sibling, values in row.applies.items():
            choices = catalog()[sibling].choices
            assert not choices or set(values) <= set(choices)
        if row.needs is not None:
            assert catalog()[row.needs].low == 0 or catalog()[row.needs].kind == "switch"


def test_a_row_in_words():
    lr = catalog()["optim.lr"]
    assert (lr.section, lr.type, lr.range, lr.unit) == ("optim", "number or auto or find", "(0, 100]", "learning rate")
    assert lr.expected == "a number above 0 and at most 100 (learning rate), or auto, or find"
    assert catalog()["data.valid_share"].range == "[0, 1)"
    assert catalog()["data.source"].range == ""
    assert catalog()["optim.name"].range == "sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, timm:lion"
    accumulate = catalog()["optim.accumulate"]
    assert (accumulate.type, accumulate.auto, accumulate.words) == ("whole number or all", False, ("all",))
    assert accumulate.expected == "a whole number at least 1 and at most 4096 (batches), or all"
    assert catalog()["machine.compile"].range == "true, false"
    assert catalog()["machine.compile"].expected == "true or false"
    assert catalog()["machine.channels_last"].expected == "true or false, or auto"
    assert catalog()["model.depth"].expected == "a whole number at least 1 and at most 32 (blocks), or auto"
    assert catalog()["optim.beta1"].applies == {"optim.name": ("adam", "adamw")}


def test_what_is_expected_has_its_unit():
    for row in describe():
        if row.unit and row.kind in ("number", "whole number"):
            assert f" ({row.unit})" in row.expected, row.key
    assert catalog()["augment.mixup"].expected == "a number at least 0 and at most 32"


@pytest.mark.parametrize("row", [row for row in describe() if row.also_called], ids=lambda row: row.key)
def test_other_names_mean_a_choice_and_are_none(row):
    """They are suggested only: each belongs to one choice, and none is taken for it."""
    options = row.choices or row.examples
    assert set(row.also_called.values()) <= set(options)
    assert not set(row.also_called) & set(options)
    names = [
        name
        for names in declared(section_class(row.section).model_fields[row.key.partition(".")[2]])[
            "also_called"
        ].values()
        for name in names
    ]
    assert len(names) == len(set(names)) == len(row.also_called)
    for name in names:
        assert name == name.lower().replace("_", "-")
        with pytest.raises(InputError, match="has no such choice"):
            compose({row.key: Given(name, Origin("user", name))})
