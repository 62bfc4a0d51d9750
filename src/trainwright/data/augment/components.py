"""The principal components of the colors of the training part, for fancy PCA.

Legend: N pictures, C channels, P pixels of a chunk.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainwright.data.pictures import Pictures, in_chunks
from trainwright.recipe import AugmentSection, decided, dose

CHUNK_BYTES = 4 * 2**20


def color_components(part: Pictures) -> Tensor:
    """Measures how the channels of all training pixels vary together, in one pass.

    Args:
        part: the training pictures, at least one.

    Returns: float32 C C; each column is an eigenvector of the covariance (n − 1) of stored values times the root of its
        eigenvalue, the largest first, its largest entry positive.

    Source: Krizhevsky et al. 2012, section 4.1.
    """
    one = part.images(torch.arange(1))
    channels = one.shape[1]
    count, sum_C, products_CC = 0, np.zeros(channels), np.zeros((channels, channels))
    for images_NCHW in in_chunks(part, CHUNK_BYTES // one.numel()):
        pixels_CP = images_NCHW.transpose(0, 1).reshape(channels, -1).numpy().astype(np.float64)
        count += pixels_CP.shape[1]
        sum_C += pixels_CP.sum(axis=1)
        products_CC += pixels_CP @ pixels_CP.T
    covariance_CC = (products_CC - np.outer(sum_C, sum_C) / count) / max(1, count - 1)
    values_C, vectors_CC = np.linalg.eigh(covariance_CC)
    order = np.argsort(values_C)[::-1]
    vectors_CC = vectors_CC[:, order]
    signs_C = np.sign(vectors_CC[np.abs(vectors_CC).argmax(axis=0), np.arange(channels)])
    roots_C = np.sqrt(np.maximum(values_C[order], 0.0))
    return torch.from_numpy((vectors_CC * signs_C * roots_C).astype(np.float32))


def wanted_components(section: AugmentSection, part: Pictures) -> Tensor | None:
    """Measures the components where a decided section uses them; None where it does not."""
    return color_components(part) if dose(decided(section.fancy_pca)).on else None
