from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainwright.data import Catalog, Files

Make = Callable[..., Path]
Open = Callable[..., Catalog]
Refuse = Callable[..., str]

ROWS = [
    {"path": "a/1.png", "label": "cat"},
    {"path": "a/2.png", "label": "cat"},
    {"path": "b/1.png", "label": "dog"},
    {"path": "b/2.png", "label": "dog"},
]


def with_column(name: str, *cells: object) -> list[dict[str, object]]:
    return [{**row, name: cell} for row, cell in zip(ROWS, cells, strict=True)]


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv"])
@pytest.mark.parametrize("bom", [False, True])
def test_paths_and_labels(make_manifest: Make, catalog_of: Open, name: str, bom: bool):
    path = make_manifest(ROWS, name=name, bom=bom)
    catalog = catalog_of(path)
    assert catalog.names == ("a/1.png", "a/2.png", "b/1.png", "b/2.png")
    assert catalog.labels == ("cat", "cat", "dog", "dog")
    assert catalog.splits == catalog.groups == (None,) * 4
    assert catalog.weights is None
    assert catalog.title == "labels"
    assert isinstance(catalog.pictures, Files)
    assert catalog.pictures.paths[2] == path.parent / "b" / "1.png"


def test_all_columns(make_manifest: Make, catalog_of: Open):
    rows = [
        {**row, "split": split, "group": group, "weight": weight, "width": 8}
        for row, split, group, weight in zip(
            ROWS,
            ("train", "Validation", "TRAINING", " test "),
            ("g", "", "h\n", "i"),
            (1, "0.5", "2e1", 0),
            strict=True,
        )
    ]
    catalog = catalog_of(make_manifest(rows), to_train=False)
    assert catalog.splits == ("train", "valid", "train", "test")
    assert catalog.groups == ("g", None, "h", "i")
    assert catalog.weights == (1.0, 0.5, 20.0, 0.0)
    assert catalog.notes == (
        "columns that are not used: 'width'",
        "pictures count in the loss by the column 'weight'",
    )


def test_columns_of_other_names(make_manifest: Make, catalog_of: Open):
    rows = [{"file": row["path"], "class": row["label"], "patient": "p"} for row in ROWS]
    path = make_manifest([{"path": row["path"]} for row in ROWS])
    make_manifest(rows)
    catalog = catalog_of(path, path_column="file", label_column="class", group_column="patient")
    assert catalog.labels == ("cat", "cat", "dog", "dog")
    assert set(catalog.groups) == {"p"}


def test_parquet(make_manifest: Make, catalog_of: Open):
    path = make_manifest(ROWS).with_suffix(".parquet")
    columns = {"path": [row["path"] for row in ROWS], "label": [0, 0, 1, 1], "split": ["train"] * 3 + [None]}
    pq.write_table(pa.table(columns), path)
    catalog = catalog_of(path)
    assert catalog.labels == ("0", "0", "1", "1")
    assert catalog.splits == ("train", "train", "train", None)


def test_a_missing_column(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest([{"path": row["path"], "labels": row["label"]} for row in ROWS]))
    assert "the manifest has no column 'label'" in message
    assert "got: columns 'path', 'labels'" in message
    assert "did you mean 'labels'? --set data.label_column=labels" in message


def test_a_missing_column_without_a_name_alike(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest([{"x": 1, "label": "cat"}]))
    assert "no column 'path'" in message
    assert "--set data.path_column=NAME" in message


def test_a_wrong_separator(make_manifest: Make, refusal_of: Refuse):
    path = make_manifest(ROWS)
    path.write_text("path;label\na/1.png;cat\n")
    assert "cells of a .csv are separated by commas" in refusal_of(path, label_column="zzz", path_column="yyy")
    assert "did you mean" in refusal_of(path) or "separated" in refusal_of(path)


def test_an_optional_column_that_was_asked_for(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest(with_column("patient", 1, 2, 3, 4)), group_column="patent")
    assert "no column 'patent'" in message
    assert "did you mean 'patient'? --set data.group_column=patient" in message


@pytest.mark.parametrize("column", ["Split", "splits", "WEIGHT", "groups"])
def test_an_optional_column_written_a_little_otherwise(make_manifest: Make, refusal_of: Refuse, column: str):
    message = refusal_of(make_manifest(with_column(column, 1, 1, 1, 1)))
    assert f"did you mean '{column}'?" in message


def test_one_column_for_two_things(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest(ROWS), group_column="label")
    assert "one column of the manifest is asked to be two things" in message
    assert "data.label_column=label, data.group_column=label" in message


def test_no_rows(make_manifest: Make, refusal_of: Refuse):
    path = make_manifest(ROWS)
    path.write_text("path,label\n")
    assert "a manifest without rows" in refusal_of(path)


def test_missing_files_are_listed_with_rows_and_count(make_manifest: Make, refusal_of: Refuse):
    rows = [{"path": f"{index}.png", "label": "cat"} for index in range(15)]
    path = make_manifest(rows, pictures=False)
    (path.parent / "3.png").mkdir()
    message = refusal_of(path)
    assert "pictures that are not there: 15" in message
    assert "0.png; 1.png; 2.png; 3.png (a folder); 4.png" in message
    assert "where: labels.csv:2, labels.csv:3" in message
    assert "labels.csv:11 and 5 more" in message
    assert "12.png" not in message


def test_a_mistyped_path_is_answered_with_the_nearest_file(make_manifest: Make, refusal_of: Refuse):
    path = make_manifest(ROWS)
    path.write_text("path,label\na/1.png,cat\na/1.pgn,cat\nA/1.PNG,dog\nunheard/of.png,dog\n")
    message = refusal_of(path)
    assert "pictures that are not there: 3" in message
    assert message.endswith("try: did you mean a/1.png and a?")


def test_paths_written_on_windows(make_manifest: Make, refusal_of: Refuse):
    path = make_manifest(ROWS)
    path.write_text("path,label\na\\1.png,cat\n")
    message = refusal_of(path)
    assert "got: a\\\\1.png" in message
    assert "write / between folders, not \\" in message


def test_empty_cells(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest([*ROWS, {"path": "c.png", "label": " "}, {"path": "d.png", "label": ""}]))
    assert "empty cells in the column 'label': 2" in message
    assert "where: labels.csv:6, labels.csv:7" in message
    message = refusal_of(make_manifest([*ROWS, {"path": "", "label": "cat"}, {"path": "", "label": "cat"}]))
    assert message.startswith("rows without a path: 2")


def test_words_that_name_no_part(make_manifest: Make, refusal_of: Refuse):
    message = refusal_of(make_manifest(with_column("split", "train", "tets", "", "7")))
    assert "words that name no part of the data: 2" in message
    assert "got: 'tets'; '7'" in message
    assert "where: labels.csv:3, labels.csv:5" in message


@pytest.mark.parametrize("weight", ["-1", "", "heavy", "nan", "inf"])
def test_weights_that_are_none(make_manifest: Make, refusal_of: Refuse, weight: str):
    message = refusal_of(make_manifest(with_column("weight", 1, weight, 1, 1)))
    assert "weights that are none: 1" in message
    assert f"got: '{weight}'\n  where: labels.csv:3" in message


def test_all_weights_zero(make_manifest: Make, refusal_of: Refuse):
    assert "all weights are 0" in refusal_of(make_manifest(with_column("weight", 0, 0, 0, 0)))


@pytest.mark.parametrize(
    ("again", "words"),
    [
        ({"path": "a/1.png", "label": "cat", "split": "train"}, "give it a weight"),
        ({"path": "./b/../a/1.png", "label": "dog", "split": "train"}, "with different classes: 1"),
        ({"path": "a//1.png", "label": "cat", "split": "test"}, "in different parts of the data: 1"),
    ],
)
def test_a_picture_in_two_rows(make_manifest: Make, refusal_of: Refuse, again: dict[str, str], words: str):
    message = refusal_of(make_manifest([*with_column("split", *["train"] * 4), again]))
    assert "pictures listed twice" in message
    assert words in message
    assert "got: a/1.png, first in labels.csv:2\n  where: labels.csv:6" in message


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (("train", "train", "test", ""), "'g' in train (labels.csv:2) and test (labels.csv:4)"),
        (("train", "train", "", ""), "'g' in train (labels.csv:2) and no part (labels.csv:4)"),
    ],
)
def test_a_group_that_spans_parts(make_manifest: Make, refusal_of: Refuse, splits: tuple[str, ...], words: str):
    rows = [
        {**row, "group": group, "split": split}
        for row, group, split in zip(ROWS, ("g", "h", "g", ""), splits, strict=True)
    ]
    message = refusal_of(make_manifest(rows))
    assert "groups that span parts of the data: 1" in message
    assert words in message


def test_all_kinds_of_mistakes_at_once(make_manifest: Make, refusal_of: Refuse):
    rows = with_column("split", "train", "bad", "train", "train")
    path = make_manifest([*rows, {"path": "c.png", "label": "", "split": ""}])
    (path.parent / "a" / "1.png").unlink()
    message = refusal_of(path)
    assert message.startswith(f"3 kinds of mistakes in the manifest {path}\n1. pictures that are not there: 1\n")
    assert "2. empty cells" in message
    assert "3. words that name no part" in message


def test_a_relative_path_must_not_leave_the_folder(make_manifest: Make, refusal_of: Refuse, make_folder: Make):
    make_folder({".": 1})
    message = refusal_of(make_manifest([*ROWS, {"path": "../photos/000.png", "label": "cat"}]))
    assert "paths that leave the manifest's folder: 1" in message
    assert "got: ../photos/000.png\n  where: labels.csv:6" in message
    assert "by .. it could name files that are no pictures of these data" in message
    many = refusal_of(make_manifest([{"path": f"../photos/{number:03d}.png", "label": "cat"} for number in range(15)]))
    assert "got: ../photos/000.png and 14 more\n  where: labels.csv:2 and 14 more" in many
    assert "write absolute paths" in message


def test_absolute_paths_are_read_anywhere_and_named_safely(make_manifest: Make, catalog_of: Open, make_folder: Make):
    photos = make_folder({".": 1})
    folder = make_manifest(ROWS).parent
    rows = [
        *ROWS,
        {"path": f"{folder}/x/../c\n.png", "label": "cat"},
        {"path": f"{photos}/../photos/000.png", "label": "dog"},
    ]
    (folder / "c\n.png").write_bytes(b"c")
    catalog = catalog_of(make_manifest(rows, pictures=False))
    assert catalog.names[4:] == ("c\\u000a.png", f"{photos}/000.png")
    assert catalog.pictures.read(4) == b"c"
    assert not any(".." in name or not name.isprintable() for name in catalog.names)


def test_names_that_are_no_utf8_open(make_manifest: Make, catalog_of: Open):
    path = make_manifest(ROWS)
    path.write_bytes(path.read_bytes() + b"caf\xe9.png,caf\xe9\ncaf\xe8.png,caf\xe9\n")
    for name in ("caf\udce9.png", "caf\udce8.png"):
        (path.parent / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    catalog = catalog_of(path)
    assert catalog.names[4:] == ("caf\\xe9.png", "caf\\xe8.png")
    assert catalog.labels[4] == "caf\\xe9"
    assert catalog.pictures.read(5) == b"caf\xe8.png"
