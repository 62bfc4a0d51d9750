"""Whether pictures of validation were trained on: fingerprints of those that the net was given in training."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

MOST_KEPT = 20_000
"""Pictures of training whose fingerprints are kept."""


class SeenPictures:
    """Fingerprints of the pictures of the first training batches, as the net was given them.

    A picture that is augmented differs from itself, so that what is found again is the least that is shared. Pictures
    on a device are passed over: fetching them would hold it up.
    """

    def __init__(self) -> None:
        self._prints: set[bytes] = set()
        self.wanting = True

    def keep(self, images_NCHW: Tensor) -> None:
        """Remembers the pictures of a training batch, as long as there is room."""
        if images_NCHW.device.type != "cpu":
            self.wanting = False
            return
        self._prints.update(_prints(images_NCHW))
        self.wanting = len(self._prints) < MOST_KEPT

    def found(self, images_NCHW: Tensor) -> int:
        """Counts pictures, equal number by number, that were kept."""
        return sum(one in self._prints for one in _prints(images_NCHW)) if self._prints else 0

    def __len__(self) -> int:
        return len(self._prints)


def _prints(images_NCHW: Tensor) -> list[bytes]:
    bytes_NB = images_NCHW.detach().cpu().reshape(len(images_NCHW), -1).contiguous().view(torch.uint8).numpy()
    return [hashlib.blake2b(picture, digest_size=8).digest() for picture in bytes_NB]
