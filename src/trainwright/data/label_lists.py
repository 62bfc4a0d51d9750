"""Class names that look like several labels in one cell: `sea;sun`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from trainwright.recipe.data import Task

SEPARATORS = (";", "|", ",")
"""What usually stands between labels, the one that `auto` takes first."""

DECIMAL = re.compile(r"-?\d+(,\d+)?")
"""A number with a decimal comma, which is no list."""


@dataclass(frozen=True)
class LabelLists:
    """Names that are lists of labels.

    Args:
        separator: what stands between the labels.
        names: those that hold it between two or more labels, sorted.
        labels: of all names, sorted.
        crossed: every name has as many labels, and each label one place of its own: `red|round`, `red|square` …, which
            may be one class made of several properties.
    """

    separator: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    crossed: bool

    def settings(self, task: Task) -> dict[str, str]:
        """Gives the settings that divide the names, where a net was to learn `task`."""
        named = {} if task == "multi-label" else {"data.task": "multi-label"}
        usual = named and self.separator == SEPARATORS[0]
        return named if usual else {**named, "data.label_separator": self.separator}


def find_lists(names: Collection[str]) -> LabelLists | None:
    """Looks for names that are lists of labels.

    They are where more than half of the names with a separator are made of nothing but parts that stand in other names,
    too. So places and paths (`Paris, France`; `animal|bird|owl`) are none, since each has a part of its own.

    Args:
        names: of all classes.

    Returns: the lists, by the separator that divides most names; None where there are none.
    Source: own choice
    >>> find_lists(["sea", "sun", "sea;sun"])
    LabelLists(separator=';', names=('sea;sun',), labels=('sea', 'sun'), crossed=False)
    >>> find_lists(["cats, small", "dogs", "birds"])
    """
    found = [lists for separator in SEPARATORS if (lists := _divided(names, separator))]
    return max(found, key=lambda lists: len(lists.names), default=None)


def _divided(names: Collection[str], separator: str) -> LabelLists | None:
    if separator == "," and all(DECIMAL.fullmatch(name) for name in names if separator in name):
        return None
    parts = {name: [part for piece in name.split(separator) if (part := piece.strip())] for name in names}
    held_by = Counter(part for name in names for part in set(parts[name]))
    several = sorted(name for name in names if len(set(parts[name])) > 1)
    known = [name for name in several if all(held_by[part] > 1 for part in parts[name])]
    if 2 * len(known) <= len(several):
        return None
    places = {(part, place) for name in names for place, part in enumerate(parts[name])}
    crossed = len(places) == len(held_by) and len({len(of_name) for of_name in parts.values()}) == 1
    return LabelLists(separator, tuple(several), tuple(sorted(held_by)), crossed)
