"""What the cells of a manifest say of each picture in tasks other than classification."""

from __future__ import annotations

from collections.abc import Sequence

from trainwright.data.targets import Targets, label_sets, multi_label
from trainwright.recipe.data import DataSection

USUAL_SEPARATOR = ";"


def read_labels(cells: Sequence[str], section: DataSection) -> tuple[Targets, list[str]]:
    """Reads several labels a cell; an empty cell is a picture without any.

    Returns: the targets, and the labels of each picture in one text, sorted.
    """
    separator = USUAL_SEPARATOR if section.label_separator == "auto" else section.label_separator
    sets = label_sets(cells, separator)
    return multi_label(sets), [separator.join(labels) for labels in sets]
