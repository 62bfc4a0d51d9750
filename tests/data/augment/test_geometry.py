"""Maps against points moved by hand and against products of 3×3 matrices."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.augment.geometry import compose, flip_maps, identity_maps, shift_maps

number = st.integers(-50, 50)
affine = st.lists(number, min_size=6, max_size=6).map(lambda six: torch.tensor(six).float().view(1, 2, 3))


def homogeneous(map_N23: torch.Tensor) -> np.ndarray:
    return np.vstack([map_N23[0].double().numpy(), [0, 0, 1]])


@given(affine, affine, affine)
@settings(max_examples=50, deadline=None)
def test_compose_multiplies_in_the_order_of_events(first, second, third):
    joined = compose(first, second, third)
    assert np.array_equal(homogeneous(joined), homogeneous(first) @ homogeneous(second) @ homogeneous(third))


@given(affine)
@settings(max_examples=20, deadline=None)
def test_identity_changes_nothing(map_N23):
    assert torch.equal(compose(identity_maps(1), map_N23, identity_maps(1)), map_N23)


def test_only_marked_pictures_are_flipped():
    maps_N23 = flip_maps(torch.tensor([False, True]), 5)
    assert maps_N23[0].tolist() == [[1, 0, 0], [0, 1, 0]]
    corner = torch.tensor([0.0, 3.0, 1.0])
    assert (maps_N23[1] @ corner).tolist() == [4.0, 3.0]


def test_flipping_twice_is_nothing():
    twice = compose(flip_maps(torch.tensor([True]), 7), flip_maps(torch.tensor([True]), 7))
    assert torch.equal(twice, identity_maps(1))


def test_shift_then_flip_by_hand():
    # Crop at dx = 3, then mirror 8 columns: new column 0 was column 7 of the crop, which was column 10.
    joined = compose(shift_maps(torch.tensor([[3, -2]])), flip_maps(torch.tensor([True]), 8))
    assert (joined[0] @ torch.tensor([0.0, 0.0, 1.0])).tolist() == [10.0, -2.0]
