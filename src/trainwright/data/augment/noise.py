"""Gaussian noise that belongs to a pixel of a picture in an epoch: computed from its place, never stored.

Philox (randomness.py) gives each picture two keys; a short mix of key and place gives each value of the picture its own
16 random bits, and a table turns them into a normal number: for a picture of 64×64×3 that is 12,288 numbers, for which
the full generator and a logarithm each would take longer than all other tricks together.

Legend: N pictures, P values of one picture (channel by channel, row by row), L = LEVELS.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

LEVELS = 65_536
MIX = 0x7FEB352D, 0x846CA68B
"""Multipliers of the mix. Source: C. Wellons, Prospecting for hash functions (lowbias32), 2018."""

WORD = 0xFFFFFFFF


@cache
def normal_table() -> np.ndarray:
    """Lists LEVELS normal numbers, as likely one as the other: the quantiles in the middle of equal shares.

    Returns: float32, of mean 0 and standard deviation 1 to within 1e-4; the largest is 4.3.
    """
    from scipy.special import ndtri

    return ndtri((np.arange(LEVELS) + 0.5) / LEVELS).astype(np.float32)


@cache
def normals_on(device: torch.device) -> Tensor:
    """Keeps the numbers of normal_table on a device: float32 L."""
    return torch.from_numpy(normal_table()).to(device)


def mixed(word: Tensor) -> Tensor:
    """Scrambles 32-bit words, so that neighbors have nothing in common: int64, each in [0, 2³²)."""
    word = word ^ (word >> 16)
    word = (word * MIX[0]) & WORD
    word = word ^ (word >> 15)
    word = (word * MIX[1]) & WORD
    return word ^ (word >> 16)


def noise(keys_N2: Tensor, places: int, normals_L: Tensor) -> Tensor:
    """Draws standard normal numbers for every value of a picture: float32 N P.

    Args:
        keys_N2: two random 32-bit words a picture, int64.
        places: P; two neighbors, 2i and 2i + 1, share a word, of which each takes one half.
        normals_L: normals_on the device of the keys; handed in since torch.compile cannot see into SciPy.
    """
    place_P = torch.arange(places, device=keys_N2.device)
    word_NP = mixed(((place_P >> 1) + keys_N2[:, :1]) & WORD)
    word_NP = mixed(word_NP ^ keys_N2[:, 1:])
    half_NP = torch.where((place_P & 1) == 1, word_NP >> 16, word_NP & 0xFFFF)
    return normals_L[half_NP]
