from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn, zeros

from trainwright.errors import InputError
from trainwright.models.sizes import check_img_size, entry_width, stage_count, windows


@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)
def test_windows_are_those_of_torch(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    count = windows(size, kernel, stride=stride, padding=padding, dilation=dilation)
    assume(size + 2 * padding >= dilation * (kernel - 1) + 1)
    conv = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
    assert conv(zeros(1, 1, size)).shape[-1] == count


def test_a_window_that_does_not_fit_has_no_position() -> None:
    assert windows(4, 7) <= 0


@pytest.mark.parametrize("img_size", range(4, 97))
def test_last_maps_of_a_residual_net_are_2_to_8_pixels(img_size: int) -> None:
    size = (img_size + 1) // 2 if entry_width(img_size, 64) else img_size
    for _ in range(stage_count(img_size) - 1):
        size = windows(size, 3, stride=2, padding=1)
    assert 2 <= size <= 8


def test_pictures_too_small_are_told() -> None:
    check_img_size("plain", 4)
    with pytest.raises(InputError) as caught:
        check_img_size("plain", 3)
    text = str(caught.value)
    assert "too small for the model 'plain'" in text
    assert "at least 4×4 pixels" in text
    assert "3×3 pixels" in text
    assert "data.img_size" in text
