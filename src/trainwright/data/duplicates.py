"""Pictures that stand in the data more than once: exactly, or re-encoded, resized, brightened.

Two steps, so that pictures which are merely alike (shoes, digits, X-rays) are not called copies. Candidates: pictures
whose 8 × 8 fingerprints, brightness and contrast removed, lie close; a k-d tree over their main directions finds every
such pair, because a projection never lengthens a distance. Verdict: the same distance between the pictures
themselves, averaged down to at most 32 × 32.

Legend: N pictures, C channels, H W height and width, P pairs, D numbers of a description.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.spatial import KDTree

from .fingerprints import standardized, thumbnails
from .splitting import connected

NEAR = 0.05
"""Greatest distance of copies; 0 equal, 1.41 unrelated, 2 the negative; d² = 2 (1 - correlation). Set on
Fashion-MNIST, where 43 of 2.4 billion pairs lie below (seen side by side, each is one photograph) and the pairs from
0.06 on are garments of one cut with another print; the nearest digits are 0.10 apart."""

VERDICT_SIDE = 32
DIRECTIONS = 8
MOST_PAIRS = 50
"""Candidates a picture has on average above which only its nearest ones are looked at."""

NEIGHBOURS = 16
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


def near_pairs(images_NCHW: np.ndarray, fingerprint_NF: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Finds pairs of pictures that differ by no more than re-encoding, resizing, brightness or contrast.

    Blank pictures are like nothing. A copy that is cropped, turned or mirrored is not found. Where very many pictures
    are alike, each is compared with its 16 nearest only.

    Args:
        images_NCHW: uint8, the whole store; only candidates are read.
        fingerprint_NF: uint8, of the whole store.
        rows: rows to compare; of exact duplicates give one.

    Returns: int64 P 2, rows of the store, the smaller first, ascending.
    Source: own choice
    """
    described = standardized(fingerprint_NF[rows])
    told = described.any(axis=1)
    rows, described = rows[told], described[told]
    if len(rows) < 2:
        return np.zeros((0, 2), np.int64)
    pairs = _close_pairs(described)
    pairs = rows[pairs[_distances(described, pairs) <= NEAR]]
    pairs = pairs[_verdicts(images_NCHW, pairs)]
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


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
    distance, neighbour = tree.query(projected, NEIGHBOURS + 1, distance_upper_bound=NEAR)
    first, place = np.nonzero(np.isfinite(distance))
    second = np.asarray(neighbour)[first, place]
    return np.unique(np.sort(np.stack([first, second], 1)[first != second], axis=1), axis=0)


def _distances(described_ND: np.ndarray, pairs_P2: np.ndarray) -> np.ndarray:
    blocks = [
        np.linalg.norm(described_ND[block[:, 0]] - described_ND[block[:, 1]], axis=1)
        for block in np.array_split(pairs_P2, len(pairs_P2) // (16 * BLOCK) + 1)
    ]
    return np.concatenate(blocks)


def _verdicts(images_NCHW: np.ndarray, pairs_P2: np.ndarray) -> np.ndarray:
    """Compares the pictures themselves: bool P."""
    side = min(VERDICT_SIDE, images_NCHW.shape[2])
    verdicts = [np.zeros(0, bool)]
    if not len(pairs_P2):
        return verdicts[0]
    for block in np.array_split(pairs_P2, len(pairs_P2) // BLOCK + 1):
        first, second = (
            standardized(thumbnails(images_NCHW[block[:, one]], side).reshape(len(block), -1)) for one in (0, 1)
        )
        alike = np.linalg.norm(first - second, axis=1) <= NEAR
        verdicts.append(alike & first.any(axis=1) & second.any(axis=1))
    return np.concatenate(verdicts)


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
