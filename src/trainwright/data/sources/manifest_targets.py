"""What the cells of a manifest say of each picture in tasks other than classification."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from trainwright.data.label_lists import SEPARATORS
from trainwright.data.label_typos import FEW
from trainwright.data.printable_names import printable
from trainwright.data.targets import Targets, label_sets, multi_label
from trainwright.errors import InputError
from trainwright.recipe.data import DataSection

from .manifest_rows import mistake

USUAL_SEPARATOR = ";"

PREDICTION_COLUMNS = ("path", "error")
"""Columns that a table of predictions has beside those of the numbers."""


def read_labels(cells: Sequence[str], section: DataSection) -> tuple[Targets, list[str]]:
    """Reads several labels a cell; an empty cell is a picture without any.

    Returns: the targets, and the labels of each picture in one text, sorted.
    """
    separator = USUAL_SEPARATOR if section.label_separator == "auto" else section.label_separator
    sets = label_sets(cells, separator)
    return multi_label(sets), [separator.join(labels) for labels in sets]


def otherwise_divided(cells: Sequence[str], places: Sequence[str], section: DataSection) -> list[InputError]:
    """Finds cells whose labels are divided by another character than those of the other cells.

    They are where all parts by that character are labels of other cells, at most 3 cells hold the whole, and some cell
    is divided by the right one. `black,white` of many cells is a label.
    """
    separator = USUAL_SEPARATOR if section.label_separator == "auto" else section.label_separator
    sets = label_sets(cells, separator)
    if all(len(labels) < 2 for labels in sets):
        return []
    known = Counter(label for labels in sets for label in labels)
    meant: dict[int, list[str]] = {}
    for row, labels in enumerate(sets):
        divided = [_parts(label, separator, known) if known[label] <= FEW else [label] for label in labels]
        if any(len(parts) > 1 for parts in divided):
            meant[row] = [part for parts in divided for part in parts]
    return mistake(
        list(meant),
        places,
        "cells whose labels are divided by another character",
        expected=f"labels divided by '{separator}'",
        got=lambda row: f"'{printable(cells[row])}'",
        hint=" and ".join(f"write '{printable(separator.join(labels))}'" for labels in list(meant.values())[:3])
        or None,
    )


def _parts(label: str, separator: str, known: Collection[str]) -> list[str]:
    """Divides a label that is made of known ones; any other stays whole."""
    for other in SEPARATORS:
        parts = [part.strip() for part in label.split(other)]
        if other != separator and len(parts) > 1 and all(part in known for part in parts):
            return parts
    return [label]


def read_numbers(columns: dict[str, Sequence[str]]) -> tuple[Targets, list[str], dict[str, list[int]]]:
    """Reads columns of numbers.

    Returns: the targets, with 0 for what is no number; the cells of each picture in one text; and by column the rows
        that hold none, or one that is not finite.
    """
    values_DN: list[list[float]] = []
    bad: dict[str, list[int]] = {}
    for name, cells in columns.items():
        numbers = [_number(cell) for cell in cells]
        bad[name] = [row for row, number in enumerate(numbers) if number is None]
        values_DN.append([0.0 if number is None else number for number in numbers])
    texts = [", ".join(cells) for cells in zip(*columns.values(), strict=True)]
    return Targets("regression", tuple(columns), np.array(values_DN).T), texts, bad


def number_hint(cells: Sequence[str]) -> str | None:
    """Words what to do about cells that are no numbers, where their kind is known.

    >>> number_hint(["1,5", ""])
    'write decimals with a point: 1.5; fill empty cells in, or take their rows out'
    """
    commas = [point for cell in cells if cell.count(",") == 1 and _number(point := cell.replace(",", ".")) is not None]
    words = [f"write decimals with a point: {commas[0]}"] if commas else []
    words += ["fill empty cells in, or take their rows out"] if "" in cells else []
    return "; ".join(words) or None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
