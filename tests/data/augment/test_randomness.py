"""The generator against its published answers, a second implementation, and the laws of chance."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trainwright.data.augment.randomness import _draw, below, philox, trick_key, uniform, unit, words

# Random123 1.14, tests/kat_vectors, philox4x32 with 10 rounds: counter, key, answer.
PUBLISHED = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def hexadecimal(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def philox_in_plain_python(counter: list[int], key: list[int]) -> list[int]:
    """The paper's figure, written with integers that never overflow."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(c[0] * 0xD2511F53, 2**32)
        high1, low1 = divmod(c[2] * 0xCD9E8D57, 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


@pytest.mark.parametrize(("counter", "key", "answer"), PUBLISHED)
@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_known_answers(counter, key, answer, array):
    counter_4 = tuple(array([word]) for word in hexadecimal(counter))
    key_2 = tuple(array([word]) for word in hexadecimal(key))
    assert [int(word[0]) for word in philox(counter_4, key_2)] == hexadecimal(answer)


@given(
    seed=st.integers(-(2**70), 2**70),
    epoch=st.integers(0, 2**32 - 1),
    sample=st.integers(0, 2**63 - 1),
    count=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_words_equal_a_second_implementation(seed, epoch, sample, count):
    got = words(seed, epoch, torch.tensor([sample]), {"flip": 1, "noise": count})["noise"][0].tolist()
    digest = hashlib.blake2b(f"{seed}:noise".encode(), digest_size=8).digest()
    key = [int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")]
    wanted = []
    for block in range(3):
        wanted += philox_in_plain_python([sample % 2**32, sample >> 32, epoch, block], key)
    assert got == wanted[:count]


def test_torch_draws_what_numpy_draws():
    samples, blocks = torch.randint(0, 2**62, (50,)), torch.arange(3)
    keys = torch.tensor([trick_key(7, "flip"), trick_key(7, "crop")])
    on_torch = torch.stack(_draw(samples, 5, blocks, keys))
    on_numpy = np.stack(_draw(samples.numpy(), 5, blocks.numpy(), keys.numpy()))
    assert on_torch.shape == (4, 2, 50, 3)
    assert np.array_equal(on_torch.numpy(), on_numpy)


def test_a_pictures_numbers_do_not_hang_on_its_batch():
    samples = torch.randint(0, 10**9, (64,))
    shuffle = torch.randperm(64)
    together = uniform(3, 4, samples, "flip", 3)
    assert torch.equal(together[shuffle], uniform(3, 4, samples[shuffle], "flip", 3))
    assert torch.equal(together[10:11], uniform(3, 4, samples[10:11], "flip", 3))
    beside_others = words(3, 4, samples, {"crop": 9, "flip": 3, "cutout": 1})["flip"]
    assert torch.equal(together, unit(beside_others))


def test_seed_epoch_sample_and_trick_each_change_the_numbers():
    base = uniform(0, 0, torch.arange(100), "flip", 4)
    others = [
        uniform(1, 0, torch.arange(100), "flip", 4),
        uniform(0, 1, torch.arange(100), "flip", 4),
        uniform(0, 0, torch.arange(100) + 100, "flip", 4),
        uniform(0, 0, torch.arange(100), "crop", 4),
    ]
    for other in others:
        assert (base != other).float().mean() > 0.99
        assert abs(np.corrcoef(base.flatten(), other.flatten())[0, 1]) < 0.2


def test_no_tricks_draw_nothing():
    assert words(0, 0, torch.arange(3), {}) == {}


def test_uniform_numbers_are_uniform():
    numbers = uniform(11, 2, torch.arange(50_000), "crop", 4)
    assert numbers.dtype == torch.float32
    assert numbers.min() >= 0
    assert numbers.max() < 1
    flat = numbers.double().flatten().numpy()
    # 200,000 draws: mean and variance within 5 standard errors.
    assert abs(flat.mean() - 1 / 2) < 5 * (1 / 12 / flat.size) ** 0.5
    assert abs(flat.var() - 1 / 12) < 5 * (1 / 180 / flat.size) ** 0.5
    assert stats.kstest(flat, "uniform").pvalue > 1e-4
    correlations = np.corrcoef(numbers.double().numpy().T) - np.eye(4)
    assert np.abs(correlations).max() < 5 / 50_000**0.5
    neighbors = np.corrcoef(numbers[:-1, 0].double(), numbers[1:, 0].double())[0, 1]
    assert abs(neighbors) < 5 / 50_000**0.5


@given(st.integers(1, 2**31 - 1), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_below_stays_below(high, word):
    assert 0 <= int(below(torch.tensor([word]), high)) < high


def test_below_is_even():
    drawn = below(words(0, 1, torch.arange(18_000), {"crop": 1})["crop"], 9).flatten().numpy()
    assert stats.chisquare(np.bincount(drawn, minlength=9)).pvalue > 1e-4
