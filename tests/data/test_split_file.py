"""The files that a run keeps about its data, written and read back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.catalog import Arrays, Catalog
from trainwright.data.prepare import prepare_catalog
from trainwright.data.split_file import SplitRow, _table, read_split, write_data_files
from trainwright.errors import InputError
from trainwright.recipe import DataSection
from trainwright.runs import RunFolder

HEADER = "name,label,part,group,sha256"
ODD_NAMES = ("=1+1", 'say "hi"', "a,b", "<script>", "two\\u000alines", "é ü", "../up", " space ", "@x", "-1")


def test_all_files_are_written_and_say_the_same(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    names = (*ODD_NAMES, *(f"{number}" for number in range(10)))
    groups = ("g,1", "g,1", *(None,) * 18)
    catalog = Catalog(names, ("yes", 'no,"no"') * 10, (None,) * 20, groups, None, Arrays(images), "made", "")
    prepared = prepare_catalog(catalog, DataSection(), seed=0)
    folder = RunFolder(tmp_path / "run")
    write_data_files(prepared, folder)
    assert read_split(folder.split) == prepared.split
    assert json.loads(folder.classes.read_text()) == ['no,"no"', "yes"]
    assert json.loads(folder.audit.read_text())["pictures"] == 20
    assert folder.rejected.read_text() == "name,reason\n"
    with folder.split.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == sorted(names)
    assert {row["group"] for row in rows} == {"", "g,1"}


PRINTABLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]))


@given(st.lists(st.tuples(PRINTABLE, PRINTABLE, PRINTABLE), max_size=5))
def test_tables_keep_every_cell(rows: list[tuple[str, str, str]]) -> None:
    text = _table(["a", "b", "c"], rows)
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b", "c"], *map(list, rows)]


def test_a_missing_split_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_split(tmp_path / "split.csv")
    assert str(caught.value).startswith("the run's split cannot be read\n  got: [Errno 2] No such file")


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("name,label\n", 1, "name,label"),
        (f"{HEADER}\na,b,train,,00\na,b,holiday,,00\n", 3, "a,b,holiday,,00"),
        (f"{HEADER}\na,b\n", 2, "a,b"),
    ],
)
def test_a_damaged_split_is_told_with_its_line(tmp_path: Path, text: str, line: int, got: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_split(path)
    assert f"  got: {got}\n  where: {path}:{line}" in str(caught.value)
    assert str(caught.value).startswith("the run's split is damaged\n")


def test_an_empty_file_is_damaged_too(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("")
    with pytest.raises(InputError, match="the run's split is damaged"):
        read_split(path)
    path.write_text(f"{HEADER}\na,b,test,g,00\n")
    assert read_split(path) == (SplitRow("a", "b", "test", "g", "00"),)
