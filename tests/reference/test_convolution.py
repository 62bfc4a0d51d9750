from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import convolution
from reference.checking import assert_equal, by_differences, by_torch, normal


@dataclass(frozen=True)
class Case:
    """Pictures, kernels, bias and the gradient of what comes out, with the way of sliding."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    g: np.ndarray
    how: dict[str, int]


@st.composite
def cases(draw, largest: int = 9) -> Case:
    """Draws a convolution whose kernel fits into the padded picture at least once."""
    stride, padding, dilation = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(1, 3))
    taps = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    least = [max(1, dilation * (tap - 1) + 1 - 2 * padding) for tap in taps]
    size = [draw(st.integers(low, max(low, largest))) for low in least]
    count, channels, maps = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    seed = draw(st.integers(0, 2**32 - 1))
    out = [(side + 2 * padding - dilation * (tap - 1) - 1) // stride + 1 for side, tap in zip(size, taps, strict=True)]
    return Case(
        x=normal(count, channels, *size, seed=seed),
        w=normal(maps, channels, *taps, seed=seed + 1),
        b=normal(maps, seed=seed + 2),
        g=normal(count, maps, *out, seed=seed + 3),
        how={"stride": stride, "padding": padding, "dilation": dilation},
    )


def gradients(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        convolution.input_gradient(case.g, case.w, case.x.shape[2:], **case.how),
        convolution.weight_gradient(case.g, case.x, case.w.shape[2:], **case.how),
        convolution.bias_gradient(case.g),
    )


@given(cases())
def test_torch_agrees(case):
    expected, theirs = by_torch(lambda x, w, b: F.conv2d(x, w, b, **case.how), case.g, case.x, case.w, case.b)
    assert_equal(convolution.forward(case.x, case.w, case.b, **case.how), expected)
    for found, torchs in zip(gradients(case), theirs, strict=True):
        assert_equal(found, torchs)


@settings(max_examples=25)
@given(cases(largest=5))
def test_differences_agree(case):
    dx, dw, db = gradients(case)
    assert_equal(dx, by_differences(lambda x: convolution.forward(x, case.w, case.b, **case.how), case.g, case.x), 1e-8)
    assert_equal(dw, by_differences(lambda w: convolution.forward(case.x, w, case.b, **case.how), case.g, case.w), 1e-8)
    assert_equal(db, by_differences(lambda b: convolution.forward(case.x, case.w, b, **case.how), case.g, case.b), 1e-8)


@given(cases())
def test_the_gradient_of_the_input_is_torchs_transposed_convolution(case):
    stride, padding, dilation = case.how["stride"], case.how["padding"], case.how["dilation"]
    reached = [
        (pixels - 1) * stride - 2 * padding + dilation * (taps - 1) + 1
        for pixels, taps in zip(case.g.shape[2:], case.w.shape[2:], strict=True)
    ]
    left = [side - part for side, part in zip(case.x.shape[2:], reached, strict=True)]

    def transposed(g):
        # torch wants what is left over to be smaller than the stride or the dilation; it is smaller than the stride.
        return F.conv_transpose2d(
            g,
            torch.from_numpy(case.w),
            stride=stride,
            padding=padding,
            dilation=dilation,
            output_padding=left,
        )

    expected, _ = by_torch(transposed, np.zeros(case.x.shape), case.g)
    assert_equal(gradients(case)[0], expected)


@given(cases())
def test_a_convolution_and_its_transpose_are_adjoint(case):
    """⟨w ⋆ x, g⟩ = ⟨x, wᵀ ⋆ g⟩ = ⟨w, x ⋆ g⟩: the sum of all products does not care for which factor it is sorted."""
    product = (convolution.forward(case.x, case.w, np.zeros_like(case.b), **case.how) * case.g).sum()
    dx, dw, _ = gradients(case)
    assert_equal((case.x * dx).sum(), product)
    assert_equal((case.w * dw).sum(), product)
