from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainwright.recipe import Choice, Recipe, compose, format_value, parse_assignments, write_recipe
from trainwright.reporting.views.setup import environment_rows, layers, recipe_rows


def test_every_setting_in_force_is_read_back_with_its_source() -> None:
    recipe = compose(parse_assignments(["training.seed=7"])).decide([Choice("optim.lr", 0.1, "sgd: batches # of 64")])
    rows = {row.key: row for row in recipe_rows(write_recipe(recipe))}
    in_force = {key: value for key, value in recipe.items() if key not in recipe.idle()}
    assert {key: row.value for key, row in rows.items()} == {
        key: format_value(value) for key, value in in_force.items()
    }
    assert (rows["training.seed"].origin, rows["training.seed"].detail) == ("user", "--set training.seed=7")
    assert (rows["optim.lr"].origin, rows["optim.lr"].detail) == ("auto", "sgd: batches # of 64")
    assert (rows["optim.name"].origin, rows["optim.name"].detail) == ("default", "")


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text.strip() == text and text != "auto"))
def test_any_source_of_data_survives(source: str) -> None:
    recipe = Recipe().model_copy(update={"data": Recipe().data.model_copy(update={"source": source})})
    rows = {row.key: row.value for row in recipe_rows(write_recipe(recipe))}
    assert rows["data.source"] == source


def test_lists_comments_and_nothing() -> None:
    assert recipe_rows("") == ()
    (row,) = recipe_rows("a:\n  b: [1, 2]  # by hand\n")
    assert (row.key, row.value, row.origin, row.detail) == ("a.b", "[1, 2]", "", "by hand")


def test_environment_is_flattened_in_order() -> None:
    rows = environment_rows(
        {"python": "3.11", "gpu": None, "cpu": {"usable_cores": 2, "flags": ["a", "b"]}, "load": 0.5}
    )
    assert rows == (("python", "3.11"), ("cpu usable cores", "2"), ("cpu flags", "a, b"), ("load", "0.5"))


def test_layers_are_summed() -> None:
    row = {"name": "a", "kind": "Conv2d", "output_shape": [4, 8, 8], "parameters": 40, "multiply_adds": 2304}
    view = layers([row | {"receptive_field": [3, 5]}, row | {"receptive_field": None, "output_shape": None}])
    assert (view.parameters, view.multiply_adds) == (80, 4608)
    assert [line.receptive_field for line in view.rows] == [(3, 5), None]
    assert [line.output_shape for line in view.rows] == [(4, 8, 8), None]
