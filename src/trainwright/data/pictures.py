"""What measures pictures needs of a part, and the walk over all of them in pieces that memory holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor


class Pictures(Protocol):
    """How many pictures, and the pictures at some rows, uint8 n C H W."""

    def __len__(self) -> int: ...

    def images(self, rows: Tensor, /) -> Tensor: ...


class LabelledPictures(Pictures, Protocol):
    """Pictures of which it is known what they show: int64 N, the class; in other tasks float32 N T."""

    @property
    def labels_N(self) -> Tensor: ...


def in_chunks(part: Pictures, at_once: int) -> Iterator[Tensor]:
    """Gives out all pictures in order, some at once, and one where that is less than one: uint8 n C H W."""
    step = max(1, at_once)
    for start in range(0, len(part), step):
        yield part.images(torch.arange(start, min(start + step, len(part))))
