"""Whether enough of the pictures can be read to learn anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainwright.errors import InputError
from trainwright.recipe import DataSection

from .catalog import Arrays, Catalog, Files, check_trainable, quoted
from .picture_records import PictureRecords


def check_readable(catalog: Catalog, records: PictureRecords, section: DataSection) -> None:
    """Refuses data of which too little can be read to learn anything.

    Raises:
        InputError: no picture is readable; a class has none that is; see also `check_trainable`.
    """
    if records.readable_N.all():
        return
    first = [f"'{catalog.names[row]}': {reason}" for row, reason in list(records.reasons.items())[:3]]
    if not records.readable_N.any():
        raise InputError(
            f"none of the {len(catalog):,} pictures can be read",
            expected="JPEG, PNG, GIF, BMP, WEBP, TIFF or PPM files",
            got="; ".join(first),
            where=catalog.title,
        )
    rows = np.flatnonzero(records.readable_N).tolist()
    if catalog.targets is not None:
        return
    lost = sorted(set(catalog.labels) - {catalog.labels[row] for row in rows})
    if lost:
        raise InputError(
            "classes of which no picture can be read",
            expected="at least one readable picture of each class",
            got=quoted(lost),
            where=catalog.title,
            hint=f"repair the files, or take these classes out; first reasons: {'; '.join(first)}",
        )
    check_trainable(_taken(catalog, rows), section)


def _taken(catalog: Catalog, rows: Sequence[int]) -> Catalog:
    """Leaves only some pictures in a catalog of files."""
    pictures = catalog.pictures
    kept = (
        Arrays(pictures.images[rows]) if isinstance(pictures, Arrays) else Files(tuple(pictures.paths[r] for r in rows))
    )
    return replace(
        catalog,
        names=tuple(catalog.names[row] for row in rows),
        labels=tuple(catalog.labels[row] for row in rows),
        splits=tuple(catalog.splits[row] for row in rows),
        groups=tuple(catalog.groups[row] for row in rows),
        weights=None if catalog.weights is None else tuple(catalog.weights[row] for row in rows),
        pictures=kept,
        targets=None if catalog.targets is None else catalog.targets.take(rows),
    )
