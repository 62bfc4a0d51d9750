"""The small files that a run keeps about its data, and the split read back from them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from trainwright.errors import InputError
from trainwright.runs import RunFolder, write_atomic

from .catalog import Split, quoted

if TYPE_CHECKING:
    from .prepare import PreparedData

SHOWN = 5


@dataclass(frozen=True)
class SplitRow:
    """One readable picture: name, class name, part, group (empty: none), sha256 of its file."""

    name: str
    label: str
    part: Split
    group: str
    sha256: str


def write_data_files(prepared: PreparedData, folder: RunFolder) -> None:
    """Writes `data/audit.json`, `classes.json`, `split.csv` and `rejected.csv` of a run.

    The tables are what they say, cell for cell: names that begin with `=` are kept, because the files are read back.

    Raises:
        WriteFailed: the disk refused.
    """
    write_atomic(folder.audit, _json(prepared.audit.to_json()))
    write_atomic(folder.classes, _json(prepared.classes))
    header = [column.name for column in fields(SplitRow)]
    rows = [[getattr(row, name) for name in header] for row in prepared.split]
    write_atomic(folder.split, _table(header, rows))
    write_atomic(folder.rejected, _table(["name", "reason"], [[one.name, one.reason] for one in prepared.rejected]))


def read_split(path: Path) -> tuple[SplitRow, ...]:
    """Reads a `split.csv` back.

    Raises:
        InputError: there is none, or it is damaged; says in which line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the run's split cannot be read", got=str(error), where=str(path)) from error
    header = [column.name for column in fields(SplitRow)]
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for number, row in enumerate(rows or [[]], 1):
        if len(row) != len(header) or (row != header if number == 1 else row[2] not in get_args(Split)):
            raise InputError(
                "the run's split is damaged",
                expected=",".join(header) if number == 1 else "name,label,train|valid|test,group,sha256",
                got=",".join(row),
                where=f"{path}:{number}",
            )
    return tuple(SplitRow(*row) for row in rows[1:])  # pyright: ignore[reportArgumentType]


def refuse_changed_data(stored: Sequence[SplitRow], now: Sequence[tuple[str, str, str]], path: Path) -> None:
    """Compares the data with those that a run began with.

    Args:
        stored: the run's split.
        now: name, class name and sha256 of each readable picture.
        path: of the split, for the message.

    Raises:
        InputError: a picture was added, is missing, shows something else or has another class; names the first five
            of each.
    """
    before = {row.name: row for row in stored}
    after = {name: (label, sha256) for name, label, sha256 in now}
    kept = [name for name in before if name in after]
    changes = {
        "missing": [name for name in before if name not in after],
        "added": [name for name in after if name not in before],
        "changed": [name for name in kept if before[name].sha256 != after[name][1]],
        "of another class": [name for name in kept if before[name].label != after[name][0]],
    }
    told = [f"{len(names):,} {what}: {quoted(names, SHOWN)}" for what, names in changes.items() if names]
    if told:
        raise InputError(
            "the data are not those that the run began with",
            expected=f"the {len(stored):,} pictures of {path}",
            got="; ".join(told),
            hint="bring the data back as they were, or start a new run",
        )


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
