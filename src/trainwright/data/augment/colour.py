"""What happens to a pixel's channels: one C×(C+1) matrix a picture, whatever the number of tricks.

A matrix takes the old channel values, as they are stored (0 to 255), with a 1 appended, to the new ones. Normalization
is the last of them, so that colour tricks and normalization together touch a pixel once.

Legend: N pictures (1 where all share a matrix), C channels, D = C+1.
"""

from __future__ import annotations

import torch
from torch import Tensor


def scaling_matrix(scale_C: Tensor, shift_C: Tensor) -> Tensor:
    """Writes `value · scale + shift` of each channel as a matrix: float32 1 C D.

    >>> scaling_matrix(torch.tensor([2.0, 3.0]), torch.tensor([-1.0, 0.0]))[0].tolist()
    [[2.0, 0.0, -1.0], [0.0, 3.0, 0.0]]
    """
    return torch.cat([torch.diag(scale_C), shift_C[:, None]], dim=1)[None].to(torch.float32)


def compose(first_NCD: Tensor, *later_NCD: Tensor) -> Tensor:
    """Joins colour matrices into one, in the order in which they happen to the picture.

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
