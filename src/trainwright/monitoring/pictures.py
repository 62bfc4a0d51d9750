"""Pictures that stay the same, and what is measured of inputs as the net sees them.

Legend: N pictures, C channels, H W height and width, K classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

MOST_PICTURES = 512
"""As many as tell a unit that is silent from one that is rarely active; own choice."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """A fixed set of pictures as the net sees them in evaluation.

    Attributes:
        images_NCHW: float, prepared; other shapes are taken as they are, pictures along the first axis.
        labels: as the loss gets them, or None.
    """

    images_NCHW: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images_NCHW)

    def first(self, most: int) -> Pictures:
        """Gives the first pictures, at most so many."""
        return Pictures(self.images_NCHW[:most], None if self.labels is None else self.labels[:most])

    def chunks(self, size: int) -> Iterator[Pictures]:
        """Divides the set into parts of nearly equal size, at most `size` pictures each.

        >>> [len(part) for part in Pictures(torch.zeros(9, 1)).chunks(4)]
        [3, 3, 3]
        """
        count = max(1, -(-len(self) // size))
        bounds = [index * len(self) // count for index in range(count + 1)]
        for low, high in pairwise(bounds):
            yield Pictures(self.images_NCHW[low:high], None if self.labels is None else self.labels[low:high])

    def to(self, device: torch.device) -> Pictures:
        """Brings the set to where the net is."""
        labels = None if self.labels is None else self.labels.to(device)
        return Pictures(self.images_NCHW.to(device), labels)

    @property
    def identity(self) -> str:
        """A short word that is the same for the same numbers: their CRC-32 and their count."""
        numbers = self.images_NCHW.detach().cpu().contiguous()
        return f"{zlib.crc32(numbers.view(torch.uint8).numpy().tobytes()):08x}-{len(self)}"


def input_statistics(images_NCHW: Tensor) -> dict[str, Tensor]:
    """Measures inputs: mean and standard deviation of each channel, lowest and highest of all numbers.

    Inputs of two axes have one channel; inputs that are numbers of tokens have none of this.

    Returns: `input_mean` and `input_deviation` C, `input_low` and `input_high`.
    """
    if images_NCHW.dtype in (torch.int64, torch.int32, torch.bool) or images_NCHW.numel() == 0:
        return {}
    images = images_NCHW.detach().float()
    channels_CM = images.movedim(1, 0).flatten(1) if images.ndim > 2 else images.reshape(1, -1)
    deviation_C, mean_C = torch.std_mean(channels_CM, dim=1, correction=0)
    low, high = images.aminmax()
    return {"input_mean": mean_C, "input_deviation": deviation_C, "input_low": low, "input_high": high}


def are_classes(labels: Tensor | None) -> bool:
    """Says whether labels are numbers of classes, one a picture."""
    return labels is not None and labels.ndim == 1 and labels.dtype in (torch.int64, torch.int32, torch.uint8)


def class_counts(labels_N: Tensor, classes: int) -> Tensor:
    """Counts labels by class, K, without waiting for the device; labels beyond the classes are left out."""
    labels_N = labels_N.long()
    known_N = (labels_N >= 0) & (labels_N < classes)
    counts_K = torch.zeros(classes, device=labels_N.device)
    return counts_K.index_add_(0, labels_N.clamp(0, classes - 1), known_N.float())
