from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainwright.data import Catalog

Make = Callable[..., Path]
Open = Callable[..., Catalog]
Refuse = Callable[..., str]


def labelled(*cells: str, **columns: list[object]) -> list[dict[str, object]]:
    return [
        {"path": f"{row}.png", "label": cell, **{name: values[row] for name, values in columns.items()}}
        for row, cell in enumerate(cells)
    ]


def test_several_labels_a_cell(make_manifest: Make, catalog_of: Open):
    catalog = catalog_of(make_manifest(labelled("dog; cat", "", "cat;cat;", "owl")), task="multi-label")
    assert catalog.targets is not None
    assert catalog.targets.task == "multi-label"
    assert catalog.targets.names == ("cat", "dog", "owl")
    assert catalog.targets.values_NT.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert catalog.labels == ("cat;dog", "", "cat", "owl")


def test_a_separator_of_ones_own_names_the_task(make_manifest: Make, catalog_of: Open):
    catalog = catalog_of(make_manifest(labelled("a;b|c", "c")), label_separator="|")
    assert catalog.targets is not None
    assert catalog.targets.names == ("a;b", "c")


@pytest.mark.parametrize(
    ("cells", "splits", "problem"),
    [
        (["cat", "cat", ""], None, "fewer than two labels"),
        (["", "", ""], None, "fewer than two labels"),
        (["cat;dog", "cat;dog", "dog;cat"], None, "all training pictures have all labels"),
        (["cat", "dog", "owl"], ["train", "train", "test"], "labels without a training picture"),
        (["cat", "dog", "cat"], ["test", "test", "test"], "the data have no training part"),
    ],
)
def test_labels_that_cannot_be_learned(make_manifest: Make, refusal_of: Refuse, cells, splits, problem):
    columns = {} if splits is None else {"split": splits}
    message = refusal_of(make_manifest(labelled(*cells, **columns)), task="multi-label")
    assert problem in message


def test_only_a_manifest_holds_several_labels(make_folder: Callable[..., Path], refusal_of: Refuse):
    folder = make_folder({"cats": 3, "dogs": 3})
    assert "only a manifest can hold the targets of the task multi-label" in refusal_of(folder, task="multi-label")


def test_a_cell_divided_by_another_character_is_told_with_its_line(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest(labelled("sea;sun", "sun", "sea, sun", "sea")), task="multi-label")
    assert message.startswith("cells whose labels are divided by another character: 1\n")
    assert "got: 'sea, sun'\n" in message
    assert "where: labels.csv:4\n" in message
    assert message.endswith("try: write 'sea;sun'")


def test_a_label_with_a_comma_of_its_own_stays(make_manifest: Make, catalog_of: Open):
    cells = ["sea;sun", "Paris, France", *["sun, sea"] * 4]
    catalog = catalog_of(make_manifest(labelled(*cells)), task="multi-label")
    assert catalog.targets is not None
    assert catalog.targets.names == ("Paris, France", "sea", "sun", "sun, sea")
