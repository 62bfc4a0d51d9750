"""Pictures that stand in the data more than once: exactly, or re-encoded, resized, brightened.

Two steps, so that pictures which are merely alike (shoes, digits, X-rays) are not called copies. Candidates: pictures
whose 8×8 fingerprints, brightness and contrast removed, lie close; a k-d tree over their main directions finds every
such pair, because a projection never lengthens a distance. Verdict: the same distance between the pictures
themselves, averaged down to at most 32×32.

Legend: N pictures, C channels, H W height and width, P pairs, D numbers of a description.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from scipy.spatial import KDTree

from .fingerprints import standardized, thumbnails
from .splitting import connected

NEAR = 0.05
"""Greatest distance of copies; 0 equal, 1.41 unrelated, 2 the negative; d² = 2 (1 - correlation). Set on
Fashion-MNIST, where 43 of 2.4 billion pairs lie below (seen side by side, each is one photograph) and the pairs from
0.06 on are garments of one cut with another print; the nearest digits are 0.10 apart."""

NEAR_LARGE = 0.1
"""The same for pictures stored larger than 32×32, where re-encoding moves more: JPEG at quality 60 moves the
pictures of benchmarks/make_pictures.py by 0.06, halving their size by 0.02."""

CROWD_SHARE = 0.05
CROWD_LEAST = 20
"""Copies do not make up a group of more than 5 % of all pictures (and 20). Where one would, as with products that lie
under a fixed camera, likeness is the nature of the data, and the limit is halved until the group falls apart."""

SURELY = 0.002
"""What is nearer than this differs by rounding only and is a copy in any data."""

VERDICT_SIDE = 32
DIRECTIONS = 8
MOST_PAIRS = 50
"""Candidates a picture has on average above which only its nearest ones are looked at."""

NEIGHBORS = 16
BLOCK = 4096


def exact_groups(pixels_ND: np.ndarray) -> list[tuple[int, ...]]:
    """Finds sets of pictures with the same pixels.

    Args:
        pixels_ND: uint8, checksum of each picture.

    Returns: rows of each set of two or more, ascending, sets by their first row.

    >>> exact_groups(np.array([[1], [2], [1], [1]], np.uint8))
    [(0, 2, 3)]
    """
    keys_N = np.ascontiguousarray(pixels_ND).view(f"V{pixels_ND.shape[1]}").ravel()
    order = np.argsort(keys_N, kind="stable")
    starts = np.flatnonzero(np.r_[True, keys_N[order][1:] != keys_N[order][:-1]])
    groups = np.split(order, starts[1:])
    return sorted(tuple(group.tolist()) for group in groups if len(group) > 1)


def near_copies(
    images_NCHW: np.ndarray, fingerprint_NF: np.ndarray, rows: np.ndarray, identical: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    """Finds pictures that differ by no more than re-encoding, resizing, brightness or contrast.

    Args:
        images_NCHW: uint8, the whole store; only candidates are read.
        fingerprint_NF: uint8, of the whole store.
        rows: rows to compare.
        identical: sets of rows with the same pixels, of which the first is compared with others.

    Returns: pairs of rows, those within the sets of identical ones included; `joined` makes groups of them.
    Source: own choice
    """
    repeats = {row for group in identical for row in group[1:]}
    pairs, distances = near_pairs(images_NCHW, fingerprint_NF, np.array([row for row in rows if row not in repeats]))
    most = max(CROWD_LEAST, CROWD_SHARE * len(rows))
    limit = NEAR_LARGE
    while limit > SURELY and any(len(group) > most for group in joined(map(tuple, pairs.tolist()))):
        limit /= 2
        pairs, distances = pairs[distances <= limit], distances[distances <= limit]
    return [*map(tuple, pairs.tolist()), *tied(identical)]


def tied(groups: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Gives pairs that make up groups.

    >>> tied([(1, 2, 3)])
    [(1, 2), (2, 3)]
    """
    return [pair for group in groups for pair in pairwise(group)]


def alike(described_NF: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Tells which pairs have fingerprints as near as those of copies: bool P."""
    first, second = (standardized(described_NF[rows]) for rows in np.array(pairs, np.int64).reshape(-1, 2).T)
    return np.linalg.norm(first - second, axis=1) <= NEAR


def near_pairs(images_NCHW: np.ndarray, fingerprint_NF: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds pairs of near copies.

    Blank pictures are like nothing. A copy that is cropped, turned or mirrored is not found. Where very many pictures
    are alike, each is compared with its 16 nearest only.

    Args:
        images_NCHW, fingerprint_NF: see `near_groups`.
        rows: rows to compare; of identical pictures give one.

    Returns: int64 P 2, rows of the store, the smaller first, ascending; and float32 P, their distances.
    """
    described = standardized(fingerprint_NF[rows])
    told = described.any(axis=1)
    rows, described = rows[told], described[told]
    if len(rows) < 2:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    pairs = _close_pairs(described)
    pairs = np.sort(rows[pairs[_distances(described, pairs) <= NEAR]], axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    distances = _verdicts(images_NCHW, pairs)
    copies = distances <= (NEAR if images_NCHW.shape[2] <= VERDICT_SIDE else NEAR_LARGE)
    return pairs[copies], distances[copies]


def _close_pairs(described_ND: np.ndarray) -> np.ndarray:
    """Returns positions of all pairs whose projections on the main directions lie closer than `NEAR`: int64 P 2."""
    covariance = np.cov(described_ND, rowvar=False)
    directions = np.linalg.eigh(covariance)[1][:, ::-1][:, :DIRECTIONS]
    projected = described_ND @ directions.astype(np.float32)
    tree = KDTree(projected, compact_nodes=False, balanced_tree=False)
    sample = projected[:: max(1, len(projected) // 500)]
    crowd = tree.query_ball_point(sample, NEAR, return_length=True)
    if np.mean(crowd) <= MOST_PAIRS:
        return tree.query_pairs(NEAR, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    distance, neighbor = tree.query(projected, NEIGHBORS + 1, distance_upper_bound=NEAR)
    first, place = np.nonzero(np.isfinite(distance))
    second = np.asarray(neighbor)[first, place]
    return np.unique(np.sort(np.stack([first, second], 1)[first != second], axis=1), axis=0)


def _distances(described_ND: np.ndarray, pairs_P2: np.ndarray) -> np.ndarray:
    blocks = [
        np.linalg.norm(described_ND[block[:, 0]] - described_ND[block[:, 1]], axis=1)
        for block in np.array_split(pairs_P2, len(pairs_P2) // (16 * BLOCK) + 1)
    ]
    return np.concatenate(blocks)


def _verdicts(images_NCHW: np.ndarray, pairs_P2: np.ndarray) -> np.ndarray:
    """Measures the distance of the pictures themselves: float32 P; 2 where one of them is blank."""
    distances = np.full(len(pairs_P2), 2.0, np.float32)
    side = min(VERDICT_SIDE, images_NCHW.shape[2])
    for start in range(0, len(pairs_P2), BLOCK):
        block = pairs_P2[start : start + BLOCK]
        first, second = (
            standardized(thumbnails(images_NCHW[block[:, one]], side).reshape(len(block), -1)) for one in (0, 1)
        )
        told = first.any(axis=1) & second.any(axis=1)
        distances[start : start + BLOCK][told] = np.linalg.norm(first - second, axis=1)[told]
    return distances


def joined(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Joins pairs that share a row into groups.

    >>> joined([(1, 2), (5, 6), (2, 3)])
    [(1, 2, 3), (5, 6)]
    """
    pairs = list(pairs)
    groups: dict[int, list[int]] = {}
    for row, first in sorted(connected(sorted({row for pair in pairs for row in pair}), pairs).items()):
        groups.setdefault(first, []).append(row)
    return [tuple(group) for group in groups.values()]
