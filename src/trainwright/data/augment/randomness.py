"""Random numbers that belong to a picture, not to a moment: a pure function of (seed, epoch, sample, trick).

A counter-based generator has no state to save: the n-th number is computed from n alone. So a resumed run draws what
an uninterrupted one would have drawn, and neither the batch, nor its order, nor the count of workers or ranks matters.

Legend: N pictures, T tricks, M numbers a picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Array = TypeVar("Array", np.ndarray, Tensor)

WORD = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def philox(counter: tuple[Array, Array, Array, Array], key: tuple[Array, Array]) -> tuple[Array, ...]:
    """Scrambles 128-bit counters under 64-bit keys into 128 random bits each: Philox-4x32-10.

    Works on NumPy and torch int64 arrays alike, on any device: a product of two 32-bit words fills 64 bits, wraps into
    the sign, and the mask after the shift takes the copies of the sign away again.

    Args:
        counter: four int64 arrays that broadcast, each word in [0, 2³²).
        key: two int64 arrays that broadcast with them, each word in [0, 2³²).

    Returns: four int64 arrays, each word in [0, 2³²).

    Source: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3, section 3.3.

    >>> zero = np.zeros(1, np.int64)
    >>> [f"{int(word[0]):08x}" for word in philox((zero, zero, zero, zero), (zero, zero))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        product0, product1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1 = ((product1 >> 32) & WORD) ^ c1 ^ k0, product1 & WORD
        c2, c3 = ((product0 >> 32) & WORD) ^ c3 ^ k1, product0 & WORD
        k0, k1 = (k0 + KEY_STEPS[0]) & WORD, (k1 + KEY_STEPS[1]) & WORD
    return c0, c1, c2, c3


@lru_cache(maxsize=1024)
def trick_key(seed: int, trick: str) -> tuple[int, int]:
    """Derives the generator's key from the seed and the name of a trick, so that tricks never share numbers.

    Returns: two words in [0, 2³²).
    """
    digest = hashlib.blake2b(f"{seed}:{trick}".encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def words(seed: int, epoch: int, samples_N: Tensor, tricks: Mapping[str, int]) -> dict[str, Tensor]:
    """Draws random 32-bit words for several tricks in one go.

    Args:
        seed: the run's seed, any integer.
        epoch: in [0, 2³²).
        samples_N: stable sample ids, int64, on any device; the numbers are made where they lie.
        tricks: name of a trick → how many numbers M it wants for each picture.

    Returns: name of a trick → int64 N M, each word in [0, 2³²); the same on every device.
    """
    if not tricks:
        return {}
    blocks = -(-max(tricks.values()) // 4)
    keys_T2 = torch.tensor([trick_key(seed, trick) for trick in tricks])
    if samples_N.device.type == "cpu":
        # NumPy, because for so few numbers it takes a quarter of torch's time.
        drawn = _draw(samples_N.numpy(), epoch, np.arange(blocks), keys_T2.numpy())
        words_TNB4 = torch.from_numpy(np.stack(drawn, axis=-1))
    else:
        device = samples_N.device
        words_TNB4 = torch.stack(_draw(samples_N, epoch, torch.arange(blocks, device=device), keys_T2.to(device)), -1)
    words_TNM = words_TNB4.reshape(len(tricks), len(samples_N), 4 * blocks)
    return {trick: words_TNM[row, :, :count] for row, (trick, count) in enumerate(tricks.items())}


def _draw(samples_N: Array, epoch: int, block_B: Array, keys_T2: Array) -> tuple[Array, ...]:
    """Puts sample, epoch and block into the counter, seed and trick into the key: four int64 T N B."""
    sample_1N1, block_11B = samples_N[None, :, None], block_B[None, None, :]
    counter = (sample_1N1 & WORD, (sample_1N1 >> 32) & WORD, block_11B * 0 + epoch, block_11B)
    return philox(counter, (keys_T2[:, 0, None, None], keys_T2[:, 1, None, None]))


def unit(words: Tensor) -> Tensor:
    """Turns 32-bit words into float32 in [0, 1), on a grid of 2⁻²⁴, so that every device gives the same number.

    >>> unit(torch.tensor([0, 2**31, 2**32 - 1])).tolist()
    [0.0, 0.5, 0.9999999403953552]
    """
    return (words >> 8).to(torch.float32) * 2.0**-24


def below(words: Tensor, high: int) -> Tensor:
    """Turns 32-bit words into integers in [0, high), each as likely as the other to within high / 2³².

    >>> below(torch.tensor([0, 2**31, 2**32 - 1]), 9).tolist()
    [0, 4, 8]
    """
    return (words * high) >> 32


def uniform(seed: int, epoch: int, samples_N: Tensor, trick: str, count: int) -> Tensor:
    """Draws numbers in [0, 1) for one trick: float32 N count. See `words` and `unit`."""
    return unit(words(seed, epoch, samples_N, {trick: count})[trick])
