from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from trainwright.recipe import (
    Choice,
    Given,
    Origin,
    Recipe,
    compose,
    parse_assignments,
    read_recipe_file,
    source_words,
    write_recipe,
)


def read_back(text: str) -> Recipe:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recipe.yaml")
        path.write_text(text, encoding="utf-8")
        return compose(read_recipe_file(path))


@given(data=st.data())
def test_reading_what_was_written_gives_an_equal_recipe(any_recipe, data):
    recipe = data.draw(any_recipe)
    assert read_back(write_recipe(recipe)) == recipe


@given(data=st.data())
def test_readers_of_yaml_1_1_see_the_same_values(any_recipe, data):
    recipe = data.draw(any_recipe)
    tree = yaml.safe_load(write_recipe(recipe))
    values = {f"{section}.{name}": value for section, entries in tree.items() for name, value in entries.items()}
    assert values == {key: value for key, value in recipe.items() if key not in recipe.idle()}


def test_every_value_says_where_it_came_from(recipe_file):
    path = recipe_file("optim:\n  momentum: 0.8\n")
    recipe = compose(read_recipe_file(path), parse_assignments(["optim.lr=1e-9"]))
    recipe = recipe.decide([Choice("training.epochs", 3, "few\npictures # so")])
    lines = {line.split("#")[0].strip(): line for line in write_recipe(recipe).splitlines()}
    assert lines["lr: 1.0e-09"].endswith("  # user: --set optim.lr=1e-9")
    assert lines["momentum: 0.8"].endswith(f"  # file: {path}:2")
    assert lines["name: sgd"].endswith("  # default")
    assert lines["epochs: 3"].endswith("  # auto: few pictures # so")


def test_settings_without_effect_are_commented_out():
    text = write_recipe(Recipe())
    assert "  # beta1: 0.9        # no effect: optim.name is sgd\n" in text
    assert "beta1" not in yaml.safe_load(text)["optim"]


def test_sections_and_settings_keep_their_order():
    tree = yaml.safe_load(write_recipe(Recipe()))
    assert list(tree) == list(Recipe.model_fields)
    assert list(tree["training"]) == [
        "epochs",
        "seed",
        "ema",
        "reestimate_batch_norm",
        "sync_batch_norm",
        "patience",
        "retrain",
        "guard",
        "checkpoint_every_s",
    ]


def test_names_that_are_not_utf_8_survive():
    recipe = compose({"data.source": Given("caf\udce9/", Origin("user", "train caf\udce9/"))})
    text = write_recipe(recipe)
    assert '"caf\\udce9/"' in text
    assert read_back(text).data.source == "caf\udce9/"


def test_source_words():
    assert source_words(Origin("default")) == "default"
    assert source_words(Origin("file", "a\tb.yaml:3")) == "file: a b.yaml:3"
