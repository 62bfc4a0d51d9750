"""A confusion matrix of many classes as one square of colored cells."""

from __future__ import annotations

from markupsafe import Markup

from ..views.judgement import Confusion
from ..wording import count, percent, plural, printable

SIDE = 420
LEVELS = 10
"""Steps of color; level 0 is an empty cell."""


def level(share: float) -> int:
    """Gives the step of color of a share of a row, by its root, so that rare confusions are seen too.

    >>> level(0.0), level(0.01), level(0.25), level(1.0)
    (0, 1, 5, 10)
    """
    return max(round(LEVELS * share**0.5), 1) if share > 0 else 0


def matrix_chart(confusion: Confusion) -> Markup:
    """Draws a cell for every pair of classes that occurs: right answers in one color, confusions in another.

    Rows are what a picture is, columns what it was called, both in the order of the classes from the top left.

    Args:
        confusion: counts and row shares of K classes.
    """
    k = len(confusion.labels)
    size = SIDE / k
    cell = Markup('<rect class="{}{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>')
    parts = []
    for i, row in enumerate(confusion.counts_KK):
        for j, pictures in enumerate(row):
            if not pictures:
                continue
            share = confusion.shares_KK[i][j]
            pair = f"{confusion.labels[i]} called {confusion.labels[j]}"
            said = f"{plural(pictures, 'picture')} of {pair} ({percent(share)})"
            kind = "hit" if i == j else "miss"
            box = (j * size, i * size, size, size)
            parts.append(cell.format(kind, level(share), *box, printable(said)))
    right = sum(row[i] for i, row in enumerate(confusion.counts_KK))
    total = sum(map(sum, confusion.counts_KK))
    spoken = f"Confusion matrix of {k} classes: {count(right)} of {count(total)} pictures lie on the diagonal."
    head = Markup('<svg class="matrix" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">').format(SIDE, spoken)
    frame = Markup('<rect class="frame" width="{0}" height="{0}"/>').format(SIDE)
    return head + frame + Markup("").join(parts) + Markup("</svg>")
