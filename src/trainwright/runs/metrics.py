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

ACCURACIES = ("train_accuracy", "valid_accuracy")


def write_metrics_csv(history: History, path: str | Path) -> None:
    """Writes one row an epoch, with the names of `EpochRecord` as the header; the file is replaced at once.

    Where a task has figures of its own, they stand as `valid_<name>` in the place of the accuracies.

    What was not measured is an empty cell; true and false are 1 and 0; numbers keep every digit.

    Raises:
        WriteFailed: the disk refused.
    """
    own = list(dict.fromkeys(name for row in history.epochs.rows for name in row.valid_figures))
    unmeasured = [name for name in ACCURACIES if own and not any(value is not None for value in history.epochs[name])]
    left_out = ("valid_figures", *unmeasured)
    names = [field.name for field in fields(EpochRecord) if field.name not in left_out]
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*names, *(f"valid_{name}" for name in own)])
    for row in history.epochs.rows:
        cells = [*(getattr(row, name) for name in names), *(row.valid_figures.get(name) for name in own)]
        table.writerow(map(_cell, cells))
    write_atomic(path, text.getvalue())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else repr(value)
