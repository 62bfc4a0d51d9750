"""The layers of an untrained net, one a line."""

from __future__ import annotations

from ..views.activations import ActivationsView, LayerActivity
from ..wording import number, percent

HEAD = ("layer", "kind", "output", "mean", "std", "zeros", "saturated", "gradient std")
WORDS = 3
"""Columns of words; the rest are numbers and stand at the right of theirs."""
LONGEST_NAME = 32


def activation_lines(view: ActivationsView) -> list[str]:
    """Writes a table with a line for every layer, and in words what becomes of the signal on its way.

    Args:
        view: what was measured.
    """
    rows = [HEAD, *(_cells(layer) for layer in view.layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["", f"  {view.title}", f"  {view.subtitle}", ""]
    for row in rows:
        cells = [
            cell.ljust(width) if column < WORDS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return [*lines, "", *(f"  {line}" for line in _in_words(view))]


def _cells(layer: LayerActivity) -> tuple[str, ...]:
    name = layer.name if len(layer.name) <= LONGEST_NAME else f"…{layer.name[1 - LONGEST_NAME :]}"
    shares = (percent(share).replace("\N{NO-BREAK SPACE}", " ") for share in (layer.zeros, layer.saturated))
    moments = (number(layer.mean), number(layer.std))
    return (name, layer.kind, layer.shape, *moments, *shares, number(layer.gradient_std))


def _in_words(view: ActivationsView) -> list[str]:
    if view.ends is None:
        return []
    first, last = view.ends
    lines = [
        f"convolutions and linear layers before the last: std {number(first.std)} in {first.name}, "
        f"{number(last.std)} in {last.name}"
    ]
    if first.gradient_std is not None and last.gradient_std is not None:
        lines.append(f"gradients of a picture's loss there: std {number(first.gradient_std)} and ")
        lines[-1] += number(last.gradient_std)
    return lines
