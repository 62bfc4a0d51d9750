"""Pictures as stored → pictures as the net sees them, in training and in evaluation."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from trainwright.data.preprocess import Preprocessor
from trainwright.recipe import AugmentSection

from .apply import channel_means, resample
from .color import scaling_matrix
from .plan import draw_plan, untouched
from .transform import load_transform, transform_pictures
from .tricks import COLOR, doses


class Augmenter:
    """Augments and normalizes whole batches on the device where they are; final.

    Args:
        section: decided, without `auto`.
        preprocessor: fitted on the training part.
        seed: of the run.
        channels_last: whether finished batches lie as N H W C in memory.
        components_CC: of the colors of the training part (components.py), wanted where `fancy_pca` is on.
        compiled: whether torch.compile works on what a GPU does in training.

    Raises:
        InputError: the section names a transform that cannot be loaded.
    """

    def __init__(
        self,
        section: AugmentSection,
        preprocessor: Preprocessor,
        seed: int,
        channels_last: bool = False,
        components_CC: Tensor | None = None,
        compiled: bool = False,
    ) -> None:
        self.section = section
        self.seed = seed
        self.preprocessor = preprocessor
        self.channels_last = channels_last
        self.compiled = compiled
        self._colors_1CD = scaling_matrix(preprocessor.scale_C, preprocessor.shift_C)
        self._constant_C = preprocessor.fill_C
        self._transform = load_transform(section.transform)
        self._doses = doses(section)
        self._wants_means = any(COLOR[name].means for name in self._doses if name in COLOR)
        self._components_CC = components_CC

    @property
    def alters(self) -> bool:
        """Whether training pictures are altered at all."""
        return bool(self._doses) or self._transform is not None

    def train(self, images_NCHW: Tensor, samples_N: Tensor, epoch: int) -> Tensor:
        """Augments and normalizes training pictures; what happens to one depends on (seed, epoch, sample, trick) alone.

        Args:
            images_NCHW: uint8, on the device that computes.
            samples_N: stable sample ids, int64.
            epoch: counted from 0 or 1, as long as it is always the same.

        Returns: float32 N C H W, on the device of the pictures.
        """
        if self._transform is not None:
            images_NCHW = transform_pictures(
                self._transform, self.section.transform, images_NCHW, samples_N, seed=self.seed, epoch=epoch
            )
        height, width = images_NCHW.shape[2:]
        plan = draw_plan(
            self._doses,
            self._colors_1CD,
            samples_N,
            seed=self.seed,
            epoch=epoch,
            height=height,
            width=width,
            means_NC=channel_means(images_NCHW).to(samples_N.device) if self._wants_means else None,
            components_CC=self._components_CC,
        )
        pixels_NCHW = resample(
            images_NCHW,
            plan,
            fill=self.section.fill,
            constant_C=self._constant_C,
            channels_last=self.channels_last,
            compiled=self.compiled,
        )
        return self._laid_out(self.preprocessor.finish(pixels_NCHW))

    def evaluate(self, images_NCHW: Tensor) -> Tensor:
        """Normalizes pictures and does nothing else: uint8 → float32 N C H W, the bits of `train` at strength 0."""
        return self._laid_out(self.preprocessor.apply(images_NCHW))

    def view(self, images_NCHW: Tensor, map_123: Tensor) -> Tensor:
        """Shows all pictures through one map and normalizes them, for test-time augmentation: float32 N C H W.

        Args:
            images_NCHW: uint8.
            map_123: one of views.view_maps.
        """
        plan = untouched(len(images_NCHW), self._colors_1CD)
        plan = replace(plan, maps_N23=map_123.expand(len(images_NCHW), 2, 3), whole_pixels=False)
        pixels_NCHW = resample(images_NCHW, plan, fill="edge", constant_C=self._constant_C)
        return self._laid_out(self.preprocessor.finish(pixels_NCHW))

    def _laid_out(self, pixels_NCHW: Tensor) -> Tensor:
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return pixels_NCHW.contiguous(memory_format=layout)
