from __future__ import annotations

import pytest

from recipe.asking import made, refused
from trainwright.recipe import (
    LOSSES_OF,
    DataSection,
    Recipe,
    compose,
    target_columns,
    task_of,
    why_task,
    write_recipe,
)
from trainwright.recipe.reading import read_recipe_file


def test_auto_is_classification_unless_something_names_another_task():
    assert task_of(DataSection()) == "classification"
    assert why_task(DataSection()) == "no setting of the data names another"
    assert task_of(DataSection(label_separator=",")) == "multi-label"
    assert why_task(DataSection(label_separator=",")) == "data.label_separator is given"
    assert task_of(DataSection(task="multi-label")) == "multi-label"


def test_a_written_recipe_names_the_same_task(recipe_file):
    named = [made(data__label_separator="|"), made(data__target_columns="a, b"), made(data__worse_column="b")]
    for recipe in (Recipe(), made(data__task="multi-label"), *named):
        again = compose(read_recipe_file(recipe_file(write_recipe(recipe))))
        assert task_of(again.data) == task_of(recipe.data)


@pytest.mark.parametrize("task", LOSSES_OF)
def test_each_task_takes_its_own_losses_only(task):
    everything = {name for names in LOSSES_OF.values() for name in names}
    columns = {"data__target_columns": "a"} if task == "regression" else {}
    for name in LOSSES_OF[task]:
        assert made(data__task=task, loss__name=name, **columns).loss.name == name
    for name in everything - set(LOSSES_OF[task]):
        error = refused(data__task=task, loss__name=name, **columns)
        assert error.problem == f"loss.name {name} does not fit the task {task}"
        assert error.expected == f"loss.name: one of {', '.join(LOSSES_OF[task])}, or auto"


@pytest.mark.parametrize("text", [",", " , ", ",,"])
def test_no_name_among_commas_is_no_column(text):
    error = refused(data__target_columns=text)
    assert error.problem == "regression needs the columns with the numbers"


def test_a_column_of_numbers_is_named_once():
    assert target_columns(made(data__target_columns="a, b,").data) == ("a", "b")
    assert refused(data__target_columns="a, b, a").problem == "data.target_columns names 'a' twice"


def test_the_margin_is_that_of_ranking_named_or_not():
    assert made(data__task="ranking", loss__margin=0.5).loss.margin == 0.5
    assert made(data__worse_column="b", loss__margin=0.5).loss.margin == 0.5
    assert "loss.margin has no meaning in the task classification" in refused(loss__margin=0.5).problem
    error = refused(data__task="ranking", loss__name="pair-logistic", loss__margin=0.5)
    assert error.problem == "loss.margin has no effect, since loss.name is pair-logistic"
    error = refused(data__target_columns="a", loss__beta=0.5)
    assert error.problem == "loss.beta has no effect, since loss.name is auto"


def test_smoothing_leaves_a_label_likelier_where_it_holds():
    assert made(data__task="multi-label", loss__label_smoothing=0.4).loss.label_smoothing == 0.4
    error = refused(data__task="multi-label", loss__label_smoothing=0.5)
    assert "no more likely than one that does not" in error.problem
