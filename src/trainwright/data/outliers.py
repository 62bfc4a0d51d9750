"""Numbers of a regression that lie very far from nearly all others, such as a slip of the decimal point or 1e100.

Legend: N training pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainwright.runs.records import Finding

FAR = 50.0
"""Deviations from the median; of a log-normal column (σ = 1) 1 number in 30,000 lies as far."""

QUARTILES_OF_NORMAL = 1.349
"""Distance of the quartiles of a normal distribution, in its deviations."""


@dataclass(frozen=True)
class Outlying:
    """The numbers of a column that are far from the others, over the training part.

    Args:
        column: its name.
        numbers: how many are far.
        farthest, picture: the farthest, and whose it is.
        median, deviation: of the column; the deviation from the distance of its quartiles, which the far ones do not
            move.
        share: of the squared distances from the mean, which the loss is made of, that the far ones make up.
    """

    column: str
    numbers: int
    farthest: float
    picture: str
    median: float
    deviation: float
    share: float


def find_outlying(column: str, values_N: np.ndarray, names: Sequence[str]) -> Outlying | None:
    """Finds numbers 50 deviations and more from the median; None where there are none, or the quartiles are equal.

    Args:
        column: its name.
        values_N: its finite numbers over the training part.
        names: of their pictures.

    Source: own choice; deviations as in Tukey 1977, Exploratory Data Analysis, by quartiles.
    >>> find_outlying("age", np.array([1.0, 2, 3, 4, 500]), list("abcde")).picture
    'e'
    """
    unit = float(np.abs(values_N).max()) or 1.0  # so that no square overflows
    low, median, high = (float(value) for value in np.quantile(values_N, (0.25, 0.5, 0.75)))
    deviation = (high - low) / QUARTILES_OF_NORMAL
    distance_N = np.abs(values_N / unit - median / unit)
    far_N = distance_N >= FAR * (deviation / unit)
    if deviation <= 0 or not far_N.any():
        return None
    squares_N = (values_N / unit - (values_N / unit).mean()) ** 2
    farthest = int(distance_N.argmax())
    return Outlying(
        column=column,
        numbers=int(far_N.sum()),
        farthest=float(values_N[farthest]),
        picture=names[farthest],
        median=median,
        deviation=deviation,
        share=float(squares_N[far_N].sum() / squares_N.sum()),
    )


def outlier_findings(outlying: Sequence[Outlying]) -> list[Finding]:
    """Tells far numbers; a warning where they make up most of what the loss sees."""
    return [
        Finding(
            code="numbers-outlying",
            severity="warn" if one.share > 0.5 else "note",
            summary=f"{one.numbers:,} training {'number' if one.numbers == 1 else 'numbers'} in the column "
            f"'{one.column}' {'lies' if one.numbers == 1 else 'lie'} {FAR:g} deviations and more from the median "
            f"{one.median:g}: {one.farthest:g} of '{one.picture}'{' is the farthest' if one.numbers > 1 else ''}",
            evidence={
                "far_numbers": one.numbers,
                "median": one.median,
                "deviation_by_quartiles": one.deviation,
                "share_of_all_squared_distances": one.share,
            },
            advice={"do": "correct them, or take their rows out; loss.name=l1 or smooth-l1 counts large errors less"},
        )
        for one in outlying
    ]
