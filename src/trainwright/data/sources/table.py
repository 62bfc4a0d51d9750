"""Reads a table from CSV, TSV or Parquet: named columns of text, each row with its place for messages."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwright.data.catalog import quoted
from trainwright.data.printable_names import printable
from trainwright.errors import InputError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
PARQUET_SUFFIXES = (".parquet", ".pq")
TABLE_SUFFIXES = (*SEPARATORS, *PARQUET_SUFFIXES)


@dataclass(frozen=True)
class Table:
    """The names of all columns, and the cells of the wanted ones, as many as `places`.

    A place is `labels.csv:12`: the line of a text file, the row (from 1) of a Parquet file. Cells are text without
    white space around it; an empty cell is "".
    """

    header: tuple[str, ...]
    columns: dict[str, list[str]]
    places: list[str]


def read_table(path: Path, wanted: Collection[str]) -> Table:
    """Reads the wanted columns of a table, as far as it has them; its suffix tells the kind.

    CSV and TSV are UTF-8, with or without a byte order mark; the first line names the columns; empty lines are passed
    over. Parquet needs the extra `parquet`.

    Raises:
        InputError: not readable, not of its kind, no header, two columns of one name, a row of another length.
    Source: RFC 4180 (CSV)
    """
    where = printable(str(path))
    try:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            return _read_parquet(path, wanted)
        header, rows, lines = _read_text(path)
    except OSError as error:
        raise InputError("a manifest cannot be read", got=error.strerror or str(error), where=where) from error
    _check_header(header, where)
    shorter = [(line, len(row)) for row, line in zip(rows, lines, strict=True) if len(row) != len(header)]
    if shorter:
        raise InputError(
            "rows of a manifest with another number of cells than its header",
            expected=f"{len(header)} cells: {', '.join(header)}",
            got=f"{shorter[0][1]} cells; {len(shorter)} such rows",
            where=", ".join(f"{printable(path.name)}:{line}" for line, _ in shorter[:10]),
            hint='a cell with a comma in it stands in quotes: "a, b"',
        )
    columns = {name: [row[index].strip() for row in rows] for index, name in enumerate(header) if name in wanted}
    return Table(tuple(header), columns, _places(path, lines))


def _read_text(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Reads header, rows and line numbers. Bytes that are no UTF-8 are kept, as they may be part of a file's name."""
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
        reader = csv.reader(stream, delimiter=SEPARATORS[path.suffix.lower()], strict=True)
        rows: list[list[str]] = []
        lines: list[int] = []
        start = 1
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append(row)
                    lines.append(start)
                start = reader.line_num + 1
        except csv.Error as error:
            raise InputError(
                "a manifest is not a table", got=str(error), where=f"{printable(path.name)}:{start}"
            ) from error
    header = [name.strip() for name in rows[0]] if rows else []
    return header, rows[1:], lines[1:]


def _read_parquet(path: Path, wanted: Collection[str]) -> Table:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError(
            "a Parquet manifest needs the package pyarrow, which is not installed",
            where=printable(str(path)),
            hint="pip install 'trainwright[parquet]', or save the manifest as CSV",
        ) from error
    where = printable(str(path))
    try:
        with parquet.ParquetFile(path) as file:
            header = tuple(file.schema_arrow.names)
            _check_header(header, where)
            table = file.read(columns=[name for name in header if name in wanted])
    except arrow.ArrowException as error:
        raise InputError("a Parquet manifest is damaged", got=str(error), where=where) from error
    columns = {name: [_text(cell) for cell in table.column(name).to_pylist()] for name in table.column_names}
    return Table(header, columns, _places(path, range(1, table.num_rows + 1)))


def _places(path: Path, numbers: Iterable[int]) -> list[str]:
    name = printable(path.name)
    return [f"{name}:{number}" for number in numbers]


def _text(cell: object) -> str:
    """Writes a Parquet cell as CSV would: nothing for null, whole numbers without a point."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _check_header(header: Sequence[str], where: str) -> None:
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled or not header or "" in header:
        raise InputError(
            "the columns of a manifest have no clear names",
            expected="a first line with a different name for each column: path,label",
            got=f"twice: {quoted([printable(name) for name in doubled])}" if doubled else "a column without a name",
            where=where,
        )
