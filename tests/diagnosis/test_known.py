from __future__ import annotations

import json

import pytest

from trainwright.diagnosis import Known, known_of
from trainwright.errors import InputError
from trainwright.recipe import compose, parse_assignments, write_recipe
from trainwright.runs import RunFolder


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    run = RunFolder(tmp_path)
    run.audit.parent.mkdir()
    return run


def keep(folder: RunFolder, counts: object, classes=("cat", "dog"), task="classification") -> None:
    folder.recipe.write_text(write_recipe(compose(parse_assignments([f"data.task={task}", "optim.lr=0.3"]))))
    folder.classes.write_text(json.dumps(classes))
    folder.audit.write_text(json.dumps({"counts": counts}))


def test_a_folder_without_a_recipe_tells_nothing(folder):
    assert known_of(folder) == Known()


def test_recipe_and_shares_of_the_training_part_are_read_in_the_order_of_the_classes(folder):
    keep(folder, {"dog": {"train": 30, "test": 9}, "cat": {"train": 10}})
    known = known_of(folder)
    assert known.recipe["optim.lr"] == 0.3
    assert known.class_shares == (0.25, 0.75)


@pytest.mark.parametrize(("counts", "task"), [({}, "multi-label"), ({"cat": {"test": 1}, "dog": {}}, "classification")])
def test_where_there_are_no_counts_of_classes_there_are_no_shares(folder, counts, task):
    keep(folder, counts, task=task)
    assert known_of(folder).class_shares == ()


def test_a_run_that_has_no_audit_yet_has_no_shares(folder):
    keep(folder, {})
    folder.audit.unlink()
    assert known_of(folder).class_shares == ()


@pytest.mark.parametrize(
    "counts", [{"cat": {"train": 3}}, [], {"cat": 3, "dog": 4}, {"cat": {"train": "x"}, "dog": {}}]
)
def test_a_damaged_audit_is_told_with_its_file(folder, counts):
    keep(folder, counts)
    with pytest.raises(InputError, match=r"a file of the run is damaged[\s\S]*audit\.json"):
        known_of(folder)
