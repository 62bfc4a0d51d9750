from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainwright.data.sources.table import read_table
from trainwright.errors import InputError

WANTED = ("path", "label")


def table(tmp_path: Path, text: str | bytes, name: str = "t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, WANTED)


def refusal(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> str:
    with pytest.raises(InputError) as caught:
        table(tmp_path, text, name)
    return str(caught.value)


def test_csv_with_all_that_people_write(tmp_path: Path):
    read = table(
        tmp_path, '\ufeffpath, label ,note\r\n\r\n"a, b.png", cat ,x\r\n , ,\r\n"c\nd.png","say ""hi""",\r\ne,f,\r\n'
    )
    assert read.header == ("path", "label", "note")
    assert read.columns == {"path": ["a, b.png", "c\nd.png", "e"], "label": ["cat", 'say "hi"', "f"]}
    assert read.places == ["t.csv:3", "t.csv:5", "t.csv:7"]


def test_tsv(tmp_path: Path):
    assert table(tmp_path, "path\tlabel\na,b\tcat\n", "t.TSV").columns == {"path": ["a,b"], "label": ["cat"]}


def test_bytes_that_are_no_utf8_are_kept(tmp_path: Path):
    assert table(tmp_path, b"path,label\ncaf\xe9,x\n").columns["path"] == ["caf\udce9"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the columns of a manifest have no clear names"),
        ("path,label,path\n", "got: twice: 'path'"),
        ("path,,label\n", "got: a column without a name"),
        (
            "path,label\na\nb,c\nd,e,f\n",
            "expected: 2 cells: path, label\n  got: 1 cells; 2 such rows\n  where: t.csv:2, t.csv:4",
        ),
        ('path,label\na,"open\n', "a manifest is not a table\n  got: unexpected end of data\n  where: t.csv:2"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, words: str):
    assert words in refusal(tmp_path, text)


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(InputError, match="a manifest cannot be read\n  got: No such file"):
        read_table(tmp_path / "gone.csv", WANTED)


def test_parquet(tmp_path: Path):
    columns = {"path": ["a", " b ", None], "label": [1.0, float("nan"), 2.5], "blob": [b"x", b"y", b"z"]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet", WANTED)
    assert read.header == ("path", "label", "blob")
    assert read.columns == {"path": ["a", "b", ""], "label": ["1", "", "2.5"]}
    assert read.places == ["t.parquet:1", "t.parquet:2", "t.parquet:3"]


def test_damaged_parquet(tmp_path: Path):
    assert "a Parquet manifest is damaged" in refusal(tmp_path, b"PAR1 nonsense PAR1", "t.parquet")


def test_parquet_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = refusal(tmp_path, b"", "t.parquet")
    assert "needs the package pyarrow, which is not installed" in message
    assert "pip install 'trainwright[parquet]'" in message
