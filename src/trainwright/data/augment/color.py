"""What happens to a pixel's channels: one C×(C+1) matrix a picture, whatever the number of tricks.

A matrix takes the old channel values, as they are stored (0 to 255), with a 1 appended, to the new ones. Normalization
is the last of them, so that color tricks and normalization together touch a pixel once. Nothing is cut off at black
and white in between or at the end: a net takes 1.1 as well as 1.0, and what is cut off is lost.

Legend: N pictures (1 where all share a matrix), C channels, D = C+1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .elementary import cos, sin

LUMA = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in gray, of ITU-R BT.601, as torchvision rounds them."""

YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
"""Luma Y and the two color differences I and Q of red, green and blue: NTSC 1953."""


def scaling_matrix(scale_C: Tensor, shift_C: Tensor) -> Tensor:
    """Writes `value · scale + shift` of each channel as a matrix: float32 1 C D.

    >>> scaling_matrix(torch.tensor([2.0, 3.0]), torch.tensor([-1.0, 0.0]))[0].tolist()
    [[2.0, 0.0, -1.0], [0.0, 3.0, 0.0]]
    """
    return torch.cat([torch.diag(scale_C), shift_C[:, None]], dim=1)[None].to(torch.float32)


def brightness_matrices(factors_N: Tensor, channels: int) -> Tensor:
    """Multiplies all values by each picture's factor: float32 N C D.

    >>> brightness_matrices(torch.tensor([2.0]), 1).tolist()
    [[[2.0, 0.0]]]
    """
    scale_NCC = factors_N[:, None, None] * torch.eye(channels, device=factors_N.device)
    return torch.cat([scale_NCC, torch.zeros_like(scale_NCC[:, :, :1])], dim=2)


def contrast_matrices(factors_N: Tensor, gray_N: Tensor, channels: int) -> Tensor:
    """Multiplies each value's distance from the picture's mean gray: float32 N C D.

    Args:
        factors_N: 0 leaves nothing but the gray, 1 everything as it is.
        gray_N: mean gray of each picture (`gray`), 0 to 255.
        channels: C.
    """
    scale_NCD = brightness_matrices(factors_N, channels)
    scale_NCD[:, :, channels] = ((1.0 - factors_N) * gray_N)[:, None]
    return scale_NCD


def saturation_matrices(factors_N: Tensor) -> Tensor:
    """Multiplies each pixel's distance from its own gray: float32 N 3 4; 0 leaves a gray picture."""
    linear_N33 = brightness_matrices(factors_N, 3)[:, :, :3]
    weights_3 = torch.tensor(LUMA, device=factors_N.device)
    linear_N33 = linear_N33 + (1.0 - factors_N)[:, None, None] * weights_3
    return torch.cat([linear_N33, torch.zeros_like(linear_N33[:, :, :1])], dim=2)


def hue_matrices(turns_N: Tensor) -> Tensor:
    """Turns the hues by a share of the color circle, at equal luma, from red to yellow where positive: float32 N 3 4.

    The plane of I and Q is turned. In contrast to a turn of the hue of HSV it is linear, so that it joins the other
    matrices; gray stays gray, and for small turns the two agree closely.
    """
    # Red stands at 20 degrees in the plane of I and Q, and yellow at -44.
    angle_N = -2.0 * math.pi * turns_N
    cosine, sine = cos(angle_N), sin(angle_N)
    one, none = torch.ones_like(cosine), torch.zeros_like(cosine)
    turn = torch.stack([one, none, none, none, cosine, -sine, none, sine, cosine], dim=1).view(-1, 3, 3)
    to_yiq = torch.tensor(YIQ, dtype=torch.float64, device=turns_N.device)
    linear_N33 = (torch.linalg.inv(to_yiq) @ turn.to(torch.float64) @ to_yiq).to(torch.float32)
    return torch.cat([linear_N33, torch.zeros_like(linear_N33[:, :, :1])], dim=2)


def offset_matrices(offsets_NC: Tensor) -> Tensor:
    """Adds each picture's own offsets to its channels: float32 N C D."""
    count, channels = offsets_NC.shape
    eye_NCC = torch.eye(channels, device=offsets_NC.device).expand(count, channels, channels)
    return torch.cat([eye_NCC, offsets_NC[:, :, None]], dim=2)


def gray(means_NC: Tensor) -> Tensor:
    """Gives the luma of channel means: float32 N; of one channel the channel itself."""
    if means_NC.shape[1] != 3:
        return means_NC.mean(dim=1)
    return (means_NC * torch.tensor(LUMA, device=means_NC.device)).sum(dim=1)


def seen_through(colors_NCD: Tensor, means_NC: Tensor) -> Tensor:
    """Gives the channel means of pictures after their matrices: float32 N C."""
    channels = means_NC.shape[1]
    return (colors_NCD[:, :, :channels] * means_NC[:, None, :]).sum(dim=2) + colors_NCD[:, :, channels]


def compose(first_NCD: Tensor, *later_NCD: Tensor) -> Tensor:
    """Joins color matrices into one, in the order in which they happen to the picture.

    >>> double, add = scaling_matrix(torch.tensor([2.0]), torch.zeros(1)), scaling_matrix(torch.ones(1), torch.ones(1))
    >>> compose(add, double).tolist()
    [[[2.0, 2.0]]]
    """
    joined_NCD = first_NCD
    for matrix_NCD in later_NCD:
        channels = matrix_NCD.shape[1]
        moved_NCD = (matrix_NCD[:, :, :channels, None] * joined_NCD[:, None, :, :]).sum(dim=2)
        offset_NC1 = moved_NCD[:, :, channels:] + matrix_NCD[:, :, channels:]
        joined_NCD = torch.cat([moved_NCD[:, :, :channels], offset_NC1], dim=2)
    return joined_NCD
