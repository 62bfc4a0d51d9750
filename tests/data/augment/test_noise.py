"""Noise: normal, independent, and each number a function of its place."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from trainwright.data.augment.noise import WORD, mixed, noise, normal_table, normals_on
from trainwright.data.augment.randomness import words

NORMALS = normals_on(torch.device("cpu"))


def keys(count: int) -> torch.Tensor:
    return words(0, 1, torch.arange(count), {"noise": 2})["noise"]


def mixed_in_plain_python(word: int) -> int:
    for shift, multiplier in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        word ^= word >> shift
        word = word * multiplier % 2**32
    return word ^ word >> 16


def test_mix_equals_a_second_implementation():
    some = torch.randint(0, 2**32, (200,))
    assert mixed(some).tolist() == [mixed_in_plain_python(word) for word in some.tolist()]


def test_mix_loses_nothing():
    # A step that two words share would make some numbers likelier than others.
    many = torch.arange(2**20) * 4093
    assert len(mixed(many & WORD).unique()) == 2**20


def test_table_has_the_moments_of_the_normal_distribution():
    table = normal_table().astype(np.float64)
    assert abs(table.mean()) < 1e-6
    assert abs(table.std() - 1) < 1e-4
    assert abs((table**4).mean() - 3) < 0.01


def test_numbers_are_normal_and_independent_of_place_and_picture():
    drawn_NP = noise(keys(200), 1000, NORMALS).double().numpy()
    assert stats.kstest(drawn_NP.reshape(-1)[:50_000], "norm").pvalue > 1e-3
    for other in (np.roll(drawn_NP, 1, axis=1), np.roll(drawn_NP, 2, axis=1), np.roll(drawn_NP, 1, axis=0)):
        # The standard error of a correlation of 200,000 pairs is 0.0022.
        assert abs(np.corrcoef(drawn_NP.reshape(-1), other.reshape(-1))[0, 1]) < 0.01


def test_a_pictures_noise_is_its_own():
    whole = noise(keys(20), 12, NORMALS)
    assert torch.equal(whole[5:7], noise(keys(20)[5:7], 12, NORMALS))
    assert torch.equal(whole[:, :7], noise(keys(20), 7, NORMALS))
