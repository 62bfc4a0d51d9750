"""Small numbers that are close for pictures that look alike, computed for whole blocks of pictures at once.

Legend: N pictures, C channels, H W height and width, G side of a thumbnail.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

FINGERPRINT_SIDE = 8
FINGERPRINT_SIZE = FINGERPRINT_SIDE**2
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""


@lru_cache(maxsize=32)
def averaging(size: int, side: int) -> np.ndarray:
    """Builds the matrix that averages `size` values down (or spreads them out) to `side` values by shares of area.

    Returns: float32 side × size, each row sums to 1.

    >>> averaging(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    starts = np.arange(side) * size / side
    ends = starts + size / side
    cells = np.arange(size)
    overlap = np.minimum(ends[:, None], cells + 1) - np.maximum(starts[:, None], cells)
    weights = np.clip(overlap, 0, None) * side / size
    return weights.astype(np.float32)


def thumbnails(images_NCHW: np.ndarray, side: int) -> np.ndarray:
    """Averages each picture down to side × side, channel by channel.

    Args:
        images_NCHW: uint8.

    Returns: float32 N C G G, in 0…255.
    """
    height, width = images_NCHW.shape[2:]
    tall, wide = averaging(height, side), averaging(width, side)
    return np.matmul(np.matmul(tall, images_NCHW.astype(np.float32)), wide.T)


def fingerprint(images_NCHW: np.ndarray) -> np.ndarray:
    """Computes each picture's fingerprint: its luma averaged to 8×8, rounded to whole levels.

    Returns: uint8 N 64.
    """
    tiny_NCGG = thumbnails(images_NCHW, FINGERPRINT_SIDE)
    luma_NGG = np.tensordot(LUMA, tiny_NCGG, (0, 1)) if tiny_NCGG.shape[1] == 3 else tiny_NCGG[:, 0]
    return np.rint(luma_NGG).clip(0, 255).astype(np.uint8).reshape(len(images_NCHW), FINGERPRINT_SIZE)


def standardized(thumbnails_ND: np.ndarray) -> np.ndarray:
    """Brings each row to mean 0 and Euclidean length 1, so that brightness and contrast do not count; a constant row
    becomes 0.

    >>> standardized(np.array([[1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 5.0, 5.0]])).tolist()
    [[-0.5, -0.5, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]]
    """
    centered_ND = thumbnails_ND.astype(np.float32)
    centered_ND -= centered_ND.mean(axis=1, keepdims=True)
    length_N1 = np.linalg.norm(centered_ND, axis=1, keepdims=True)
    return np.divide(centered_ND, length_N1, out=np.zeros_like(centered_ND), where=length_N1 > 1e-6)
