"""Elementary functions against Python's own, which compute in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.augment import elementary

OWN = {"cos": math.cos, "sin": math.sin, "tan": math.tan, "exp": math.exp, "root": math.sqrt}


@pytest.mark.parametrize("name", OWN)
@given(values=st.lists(st.floats(0.0, 1.5, width=32), min_size=1, max_size=5))
def test_it_is_the_float32_next_to_the_exact_value(name, values):
    told = getattr(elementary, name)(torch.tensor(values, dtype=torch.float32))
    exact = np.array([OWN[name](value) for value in values])
    assert told.dtype == torch.float32
    assert np.all(np.abs(told.numpy() - exact) <= 0.5001 * np.spacing(exact.astype(np.float32)))


@pytest.mark.parametrize("name", OWN)
def test_columns_of_a_matrix_keep_their_shape(name):
    values_N2 = torch.rand(4, 2)
    assert torch.equal(getattr(elementary, name)(values_N2[:, 1]), getattr(elementary, name)(values_N2)[:, 1])
    assert torch.equal(getattr(elementary, name)(values_N2[0, 0]), getattr(elementary, name)(values_N2)[0, 0])
