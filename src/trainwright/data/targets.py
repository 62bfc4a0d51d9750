"""What is true of each picture where that is not the name of one class.

Legend: N pictures of the catalog, T numbers of a picture's target (K labels, D columns of numbers).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainwright.recipe.data import Task

DIGITS_KEPT = 5
"""Decimal places behind the first digit of a column's deviation that survive float32; own choice."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of a catalog's pictures; row i belongs to picture i.

    Args:
        task: what a net learns of them.
        names: of the T numbers: the labels, or the columns, in order.
        values_NT: float64; in the task multi-label 1 where the label holds, else 0; in regression as they were given;
            in ranking 0, since pairs say all.
        pairs_P2: int64, rows of the better and the worse picture; None in other tasks.
    """

    task: Task
    names: tuple[str, ...]
    values_NT: np.ndarray
    pairs_P2: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values_NT)

    def take(self, rows: Sequence[int]) -> Targets:
        """Leaves only some pictures, and the pairs that are among them."""
        kept = np.asarray(rows, np.int64)
        if self.pairs_P2 is None:
            return replace(self, values_NT=self.values_NT[kept])
        place_N = np.full(len(self), -1)
        place_N[kept] = np.arange(len(kept))
        pairs_P2 = place_N[self.pairs_P2]
        return replace(self, values_NT=self.values_NT[kept], pairs_P2=pairs_P2[(pairs_P2 >= 0).all(axis=1)])

    def paired(self, rows: Sequence[int]) -> list[int]:
        """Leaves of some pictures those that stand in a pair with another of them; all where there are no pairs."""
        if self.pairs_P2 is None:
            return list(rows)
        inside = set(rows)
        met = {row for pair in self.pairs_P2.tolist() if inside.issuperset(pair) for row in pair}
        return [row for row in rows if row in met]


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each column over the training part, by which a net's targets are standardized."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, values_ND: np.ndarray) -> Scale:
        """Measures columns of numbers.

        >>> Scale.of(np.array([[1.0], [3.0]]))
        Scale(mean=(2.0,), deviation=(1.0,))
        """
        return cls(tuple(values_ND.mean(axis=0).tolist()), tuple(values_ND.std(axis=0).tolist()))

    def standardized(self, values_ND: np.ndarray) -> np.ndarray:
        """Brings numbers to mean 0 and deviation 1 over the training part."""
        return (values_ND - np.array(self.mean)) / np.array(self.deviation)

    def restored(self, standardized_ND: np.ndarray) -> np.ndarray:
        """Brings standardized numbers back into the units in which they were given."""
        return standardized_ND * np.array(self.deviation) + np.array(self.mean)

    def told(self, column: int, value: float) -> float:
        """Rounds a restored number of a column to what float32 can tell of the standardized one, so that 9 is 9 again.

        >>> Scale((4.5,), (2.9,)).told(0, 9.000000075840244)
        9.0
        """
        places = DIGITS_KEPT - math.floor(math.log10(self.deviation[column]))
        return round(value, places) + 0.0  # no -0


def label_sets(cells: Sequence[str], separator: str) -> list[tuple[str, ...]]:
    """Reads the labels of each cell: sorted, each once; none of an empty cell.

    >>> label_sets(["dog; cat", "", "cat;cat"], ";")
    [('cat', 'dog'), (), ('cat',)]
    """
    return [tuple(sorted({word for part in cell.split(separator) if (word := part.strip())})) for cell in cells]


def multi_label(sets: Sequence[Sequence[str]]) -> Targets:
    """Makes targets of the labels of each picture."""
    names = tuple(sorted({label for labels in sets for label in labels}))
    index = {label: number for number, label in enumerate(names)}
    values_NT = np.zeros((len(sets), len(names)))
    for row, labels in enumerate(sets):
        values_NT[row, [index[label] for label in labels]] = 1.0
    return Targets("multi-label", names, values_NT)
