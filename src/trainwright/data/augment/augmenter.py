"""Pictures as stored → pictures as the net sees them, in training and in evaluation."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwright.data.preprocess import Preprocessor
from trainwright.recipe import AugmentSection

from .apply import resample
from .colour import scaling_matrix
from .plan import draw_plan


class Augmenter:
    """Augments and normalizes whole batches on the device where they are; final.

    Args:
        section: decided, without `auto`.
        preprocessor: fitted on the training part.
        seed: of the run.
        channels_last: whether finished batches lie as N H W C in memory.
    """

    def __init__(
        self, section: AugmentSection, preprocessor: Preprocessor, seed: int, channels_last: bool = False
    ) -> None:
        self.section = section
        self.seed = seed
        self.preprocessor = preprocessor
        self.channels_last = channels_last
        self._colours_1CD = scaling_matrix(preprocessor.scale_C, preprocessor.shift_C)
        self._constant_C = preprocessor.fill_C

    def train(self, images_NCHW: Tensor, samples_N: Tensor, epoch: int) -> Tensor:
        """Augments and normalizes training pictures; what happens to one depends on (seed, epoch, sample, trick) alone.

        Args:
            images_NCHW: uint8, on the device that computes.
            samples_N: stable sample ids, int64.
            epoch: counted from 0 or 1, as long as it is always the same.

        Returns: float32 N C H W, on the device of the pictures.
        """
        height, width = images_NCHW.shape[2:]
        plan = draw_plan(
            self.section, self._colours_1CD, samples_N, seed=self.seed, epoch=epoch, height=height, width=width
        )
        pixels_NCHW = resample(
            images_NCHW, plan, fill=self.section.fill, constant_C=self._constant_C, channels_last=self.channels_last
        )
        return self._laid_out(self.preprocessor.finish(pixels_NCHW))

    def evaluate(self, images_NCHW: Tensor) -> Tensor:
        """Normalizes pictures and does nothing else: uint8 → float32 N C H W, the bits of `train` at strength 0."""
        return self._laid_out(self.preprocessor.apply(images_NCHW))

    def _laid_out(self, pixels_NCHW: Tensor) -> Tensor:
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return pixels_NCHW.contiguous(memory_format=layout)
