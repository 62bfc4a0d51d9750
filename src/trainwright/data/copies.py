"""Which pictures show the same: as whole pictures, and as the net sees them, cut to squares and resized.

Copies are looked for among the pictures of the store, which are all of one size, and then held against the whole
pictures: two letters that differ at their ends alone are one picture once their ends are cut off, and no copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .duplicates import alike, exact_groups, joined, near_copies, tied
from .ingest import Progress
from .picture_records import PictureRecords
from .store import Store

SAME_SHAPE = 1.05
"""Copies of another size have the same ratio of width to height but for whole pixels; own choice."""

Groups = list[tuple[int, ...]]


@dataclass(frozen=True)
class Copies:
    """Groups of rows that show the same, ascending.

    Args:
        identical: whole pictures of the same pixels.
        near: whole pictures of the same, or nearly the same pixels.
        merged: one row of each of several whole pictures, no copies, that have the same pixels in the store, more than
            one color among them.
        stored_identical, stored_near: the same and nearly the same as they lie in the store.
    """

    identical: Groups
    near: Groups
    merged: Groups
    stored_identical: Groups
    stored_near: Groups


def find_copies(store: Store, usable: Sequence[int], progress: Progress | None) -> Copies:
    """Finds groups of rows that show the same.

    Args:
        store: of all pictures.
        usable: rows to compare.
        progress: told before and after.
    """
    if progress is not None:
        progress("looking for copies", 0, len(usable))
    records, rows = store.records, np.array(usable)
    stored = _groups(records.pixels_ND[rows], rows)
    pairs = near_copies(store.images_SCHW.numpy(), records.fingerprint_NF, rows, stored)
    sizes_N2 = np.stack([records.width_N, records.height_N], 1)
    whole = [records.pixels_ND, _as_bytes(sizes_N2), _as_bytes(records.whole_N[:, None])]
    identical = _groups(np.concatenate([column[rows] for column in whole], 1), rows)
    near = joined([*_whole_pairs(records, pairs), *tied(identical)])
    found = Copies(identical, near, _merged(records, stored, near), stored, joined(pairs))
    if progress is not None:
        progress("looking for copies", len(usable), len(usable))
    return found


def _groups(keys_ND: np.ndarray, rows: np.ndarray) -> Groups:
    return [tuple(rows[list(group)].tolist()) for group in exact_groups(keys_ND)]


def _as_bytes(numbers_ND: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(numbers_ND).view(np.uint8).reshape(len(numbers_ND), -1)


def _whole_pairs(records: PictureRecords, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leaves those pairs that are near copies as whole pictures, too."""
    if not pairs:
        return []
    ratio_N = records.width_N / np.maximum(records.height_N, 1)
    first_P, second_P = np.array(pairs).T
    shaped_P = np.abs(np.log(ratio_N[first_P] / ratio_N[second_P])) <= np.log(SAME_SHAPE)
    kept_P = shaped_P & alike(records.whole_NF, pairs)
    return [pair for pair, kept in zip(pairs, kept_P.tolist(), strict=True) if kept]


def _merged(records: PictureRecords, stored: Groups, near: Groups) -> Groups:
    """Leaves of each group with the same pixels in the store one row of each whole picture, where these are several."""
    first = {row: group[0] for group in near for row in group}
    colored_N = ~records.one_color_N
    merged = [
        tuple({first.get(row, row): row for row in reversed(group)}.values()) for group in stored if colored_N[group[0]]
    ]
    return [tuple(sorted(group)) for group in merged if len(group) > 1]
