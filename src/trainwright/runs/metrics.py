"""The epochs of a run as a table that any program reads."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from pathlib import Path
from typing import Any

from .atomic import write_atomic
from .history import History
from .records import EpochRecord


def write_metrics_csv(history: History, path: str | Path) -> None:
    """Writes one row an epoch, with the names of `EpochRecord` as the header; the file is replaced at once.

    What was not measured is an empty cell; true and false are 1 and 0; numbers keep every digit.

    Raises:
        WriteFailed: the disk refused.
    """
    names = [field.name for field in fields(EpochRecord)]
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows([_cell(getattr(row, name)) for name in names] for row in history.epochs.rows)
    write_atomic(path, text.getvalue())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else repr(value)
