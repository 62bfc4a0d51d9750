"""What a net is as a map of its input, measured by what it gives out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TOLERANCE = 1e-4
"""Share of the outputs' size by which an affine map may miss in float32, after many layers; own choice."""


@torch.no_grad()
def is_affine(forward: Callable[[Tensor], Tensor], images_NCHW: Tensor) -> bool | None:
    """Says whether a net is an affine map of its input: f(a) + f(b) = f(0) + f(a + b), for any a and b.

    Args:
        forward: the net in evaluation mode.
        images_NCHW: some inputs as it sees them; a and b are made of them, of both signs and several sizes.

    Returns: None where the net answers all inputs alike, or in a number format too coarse to tell.

    >>> is_affine(lambda x: 2 * x + 1, torch.randn(4, 3)), is_affine(torch.relu, torch.randn(4, 3))
    (True, False)
    """
    if not images_NCHW.is_floating_point() or len(images_NCHW) < 2:
        return None
    count = len(images_NCHW)
    sizes_N = torch.linspace(0.5, 3.0, count, device=images_NCHW.device, dtype=images_NCHW.dtype)
    sizes = sizes_N.reshape(-1, *[1] * (images_NCHW.ndim - 1))
    one, other = sizes * images_NCHW, -sizes.flip(0) * images_NCHW.roll(1, 0)
    at_one, at_other = forward(one), forward(other)
    if at_one.dtype in (torch.float16, torch.bfloat16):
        return None
    at_none, at_both = forward(torch.zeros_like(one)), forward(one + other)
    size = max(float((answer - at_none).abs().max()) for answer in (at_one, at_other, at_both))
    whole = max(float(answer.abs().max()) for answer in (at_one, at_other, at_none, at_both))
    if not size > TOLERANCE * whole:
        return None
    return float((at_one + at_other - at_none - at_both).abs().max()) <= TOLERANCE * whole
