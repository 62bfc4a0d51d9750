"""Augmented pictures as one picture, to be looked at before anything is believed."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from trainwright.data.preprocess import Preprocessor
from trainwright.recipe import AugmentSection

from .augmenter import Augmenter
from .policies import NOTHING
from .tricks import doses

GAP = 2
PAPER = 255
CELL = 96
"""Pixels a side to which small pictures are enlarged in a sheet of tricks, by whole factors."""

HEAD = 34
"""Pixels above a sheet's columns, for their names."""


def preview_grid(pixels_NCHW: Tensor, preprocessor: Preprocessor, *, limit: int = 64) -> np.ndarray:
    """Lays pictures out in rows, as even as they go, un-normalized, with white gaps between.

    Args:
        pixels_NCHW: as the net sees them; at least one.
        preprocessor: that made them.
        limit: largest number of pictures that are shown.

    Returns: uint8, H W for one channel, H W 3 for three.
    """
    pictures = preprocessor.invert(pixels_NCHW[:limit]).cpu().permute(0, 2, 3, 1).numpy()
    count, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), PAPER, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        grid[top : top + height, left : left + width] = picture
    return grid[:, :, 0] if channels == 1 else grid


def trick_sheet(
    section: AugmentSection,
    images_NCHW: Tensor,
    samples_N: Tensor,
    preprocessor: Preprocessor,
    *,
    seed: int,
    components_CC: Tensor | None = None,
) -> Image.Image:
    """Draws a row for each picture and a column for each trick: the original, every trick by itself, all together.

    Args:
        section: decided; the tricks that are on get columns.
        images_NCHW, samples_N: the pictures and their ids, as training has them.
        preprocessor: as training uses it.
        seed: of the run.
        components_CC: see Augmenter.

    Returns: a picture in color.
    """
    on = doses(section)
    columns = {"original": NOTHING}
    columns |= {name: NOTHING.model_copy(update={name: getattr(section, name), "fill": section.fill}) for name in on}
    if section.transform != "none":
        columns["transform"] = NOTHING.model_copy(update={"transform": section.transform})
    columns |= {"all together": section} if len(columns) > 2 else {}
    height, width = images_NCHW.shape[2:]
    factor = max(1, round(CELL / max(height, width)))
    across, down = width * factor + GAP, height * factor + GAP
    size = (len(columns) * across - GAP, HEAD + len(images_NCHW) * down - GAP)
    sheet = Image.new("RGB", size, (PAPER,) * 3)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for place, (name, shown) in enumerate(columns.items()):
        augmenter = Augmenter(shown, preprocessor, seed, components_CC=components_CC)
        pictures = preprocessor.invert(augmenter.train(images_NCHW, samples_N, epoch=1))
        strength = "" if name not in on else f"\n{getattr(section, name)}"
        draw.multiline_text((place * across, 2), f"{name.replace('_', ' ')}{strength}", fill=(0, 0, 0), font=font)
        for row, picture_CHW in enumerate(pictures):
            picture_HWC = picture_CHW.expand(3, height, width) if len(picture_CHW) == 1 else picture_CHW[:3]
            cell = Image.fromarray(picture_HWC.permute(1, 2, 0).to(torch.uint8).contiguous().numpy())
            sheet.paste(
                cell.resize((width * factor, height * factor), Image.Resampling.NEAREST),
                (place * across, HEAD + row * down),
            )
    return sheet
