"""Two pictures in one: mixup blends them, cutmix cuts a part of one into the other; labels are shared out likewise.

The other picture is drawn from the whole training part, and not from the batch, so that what happens to a picture does
not hang on its batch. It comes as it is altered itself in the same epoch.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainwright.recipe import AugmentSection

from .elementary import root
from .occlusion import inside_boxes
from .randomness import below, unit, words


@dataclass(frozen=True, eq=False)
class Mix:
    """What is mixed into the pictures of a batch.

    Attributes:
        images_NCHW: uint8, the other pictures.
        labels_N: what is true of them, as in a batch.
        samples_N: int64, their stable ids.
        weights_N: float32, their weights in the loss; None where all count alike.
        share_N: float32, what is left of each picture itself: the weight of its own label.
        boxes_N4: int32, where the other picture shows alone (cutmix); empty boxes where the two are blended (mixup).
    """

    images_NCHW: Tensor
    labels_N: Tensor
    samples_N: Tensor
    weights_N: Tensor | None
    share_N: Tensor
    boxes_N4: Tensor

    def blended(self, own_NCHW: Tensor, other_NCHW: Tensor) -> Tensor:
        """Mixes finished pictures: float32 N C H W, on their device."""
        device = own_NCHW.device
        boxes_N14 = self.boxes_N4.to(device, non_blocking=True)[:, None]
        is_cut_N = (boxes_N14[:, 0, 2:] > boxes_N14[:, 0, :2]).all(dim=1)
        weight_N = torch.where(is_cut_N, 1.0, self.share_N.to(device, non_blocking=True))
        mixed_NCHW = torch.lerp(other_NCHW, own_NCHW, weight_N[:, None, None, None])
        return torch.where(inside_boxes(boxes_N14, *own_NCHW.shape[2:]), other_NCHW, mixed_NCHW)


@dataclass(frozen=True)
class Mixing:
    """Which pictures are mixed, and how: pure functions of (seed, epoch, sample).

    Attributes:
        mixup, cutmix: α of the Beta distribution that shares are drawn from, 0 for off; where both are on, either
            happens to every other picture.
        seed: of the run.
        pictures: in the training part.

    Source: Zhang et al. 2018, mixup; Yun et al. 2019, CutMix.
    """

    mixup: float
    cutmix: float
    seed: int
    pictures: int

    @classmethod
    def of(cls, section: AugmentSection, *, seed: int, pictures: int) -> Mixing | None:
        """Reads a section; None where nothing is mixed."""
        on = section.mixup > 0 or section.cutmix > 0
        return cls(section.mixup, section.cutmix, seed, pictures) if on else None

    def partners(self, samples_N: Tensor, epoch: int) -> Tensor:
        """Draws the other picture of each: int64 N, rows of the training part."""
        return below(words(self.seed, epoch, samples_N, {"partner": 1})["partner"][:, 0], self.pictures)

    def shares(self, samples_N: Tensor, epoch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Draws how much of each picture stays, and where it is cut.

        Args:
            samples_N: stable ids, int64, on the CPU.
            height, width: of the pictures, pixels.

        Returns: share float32 N in [0, 1]; boxes int32 N 4. A box has its center anywhere and is cut off at the border;
            the share is that of the pixels outside it.
        """
        from scipy.special import betaincinv

        unit_N4 = unit(words(self.seed, epoch, samples_N, {"mixing": 4})["mixing"])
        cut_N = unit_N4[:, 0] < (0.0 if self.cutmix == 0 else 0.5 if self.mixup > 0 else 1.0)
        alpha_N = np.where(cut_N.numpy(), self.cutmix or 1.0, self.mixup or 1.0)
        share_N = torch.from_numpy(betaincinv(alpha_N, alpha_N, unit_N4[:, 1].double().numpy())).to(torch.float32)
        size_2 = torch.tensor([height, width])
        half_N2 = root(1.0 - share_N)[:, None] * size_2 / 2
        center_N2 = unit_N4[:, 2:] * size_2
        low_N2 = (center_N2 - half_N2).round().clamp(min=0)
        high_N2 = torch.minimum((center_N2 + half_N2).round(), size_2)
        boxes_N4 = torch.where(cut_N[:, None], torch.cat([low_N2, high_N2], dim=1), 0.0).to(torch.int32)
        area_N = (boxes_N4[:, 2] - boxes_N4[:, 0]) * (boxes_N4[:, 3] - boxes_N4[:, 1])
        return torch.where(cut_N, 1.0 - area_N / (height * width), share_N), boxes_N4
