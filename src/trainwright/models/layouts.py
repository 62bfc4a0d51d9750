"""How the numbers of maps lie in memory.

N pictures · F channels of a feature map · H W pixels
"""

from __future__ import annotations

import torch
from torch import Tensor


def in_layout_of(result_NFHW: Tensor, maps_NFHW: Tensor) -> Tensor:
    """Brings maps into channels-last where those that they were made of were in it; else they stay as they are.

    Where a layer in between loses the layout, the next convolution and every layer behind it sort or stumble.

    >>> maps = torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last)
    >>> in_layout_of(torch.zeros(2, 3, 4, 4), maps).is_contiguous(memory_format=torch.channels_last)
    True
    """
    if maps_NFHW.is_contiguous(memory_format=torch.channels_last):
        return result_NFHW.contiguous(memory_format=torch.channels_last)
    return result_NFHW
