"""The one resample in torch operations: for GPUs, and as the reference of the compiled kernel.

Legend: N pictures, C channels, D = C+1, H W height and width of old and new picture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .geometry import lens_scale
from .noise import noise
from .occlusion import inside_boxes
from .plan import Plan


def gather_resample(images_NCHW: Tensor, plan: Plan, fill: str, constant_C: Tensor) -> Tensor:
    """Moves, colors, normalizes and hides in one go; see apply.resample for the arguments.

    No operation waits for a GPU or looks at a value, so that torch.compile can melt all of it into one graph.

    Returns: float32 N C H W.
    """
    if plan.whole_pixels:
        pixels_NCHW, inside_NHW = _whole(images_NCHW, plan, fill)
    else:
        pixels_NCHW, inside_NHW = _bilinear(images_NCHW, plan, fill)
    if plan.noise is not None:
        places = images_NCHW[0].numel()
        noise_NCHW = noise(plan.noise.keys_N2, places, plan.noise.normals_L).view(images_NCHW.shape)
        pixels_NCHW = pixels_NCHW + plan.noise.std_N[:, None, None, None] * noise_NCHW
    constant_1C11 = constant_C[None, :, None, None]
    finished_NCHW = _color(pixels_NCHW, plan.colors_NCD, inside_NHW)
    if inside_NHW is not None:
        finished_NCHW = finished_NCHW + (1.0 - inside_NHW[:, None]) * constant_1C11
    return torch.where(inside_boxes(plan.boxes_NB4, *images_NCHW.shape[2:]), constant_1C11, finished_NCHW)


def old_index(position: Tensor, size: int, fill: str) -> Tensor:
    """Says which old row or column stands at a whole position, inside or beyond, as numpy.pad would have it.

    Args:
        position: int64, any shape, any value.
        size: rows or columns of the old picture.
        fill: mode of numpy.pad; `constant` answers with the nearest index, the caller blends in the constant.

    Returns: int64 in [0, size).

    >>> [old_index(torch.arange(-2, 5), 3, mode).tolist() for mode in ("reflect", "symmetric", "wrap")]
    [[2, 1, 0, 1, 2, 1, 0], [1, 0, 0, 1, 2, 2, 1], [1, 2, 0, 1, 2, 0, 1]]
    """
    if fill == "wrap":
        return position % size
    if fill == "reflect" and size > 1:
        there_and_back = position % (2 * size - 2)
        return torch.minimum(there_and_back, 2 * size - 2 - there_and_back)
    if fill == "symmetric":
        there_and_back = position % (2 * size)
        return torch.minimum(there_and_back, 2 * size - 1 - there_and_back)
    return position.clamp(0, size - 1)


def _whole(images_NCHW: Tensor, plan: Plan, fill: str) -> tuple[Tensor, Tensor | None]:
    """Fetches one old pixel for each new one; rows and columns are independent of each other."""
    height, width = images_NCHW.shape[2:]
    x_W = torch.arange(width, device=images_NCHW.device)
    y_H = torch.arange(height, device=images_NCHW.device)
    maps = plan.maps_N23.to(torch.int64)
    x_NW = maps[:, 0, 0, None] * x_W + maps[:, 0, 2, None]
    y_NH = maps[:, 1, 1, None] * y_H + maps[:, 1, 2, None]
    pixels_NCHW = _fetch(images_NCHW, y_NH[:, :, None], x_NW[:, None, :], fill)
    if fill != "constant":
        return pixels_NCHW, None
    inside_NHW = (_within(y_NH, height)[:, :, None] & _within(x_NW, width)[:, None, :]).to(torch.float32)
    return pixels_NCHW * inside_NHW[:, None], inside_NHW


def _bilinear(images_NCHW: Tensor, plan: Plan, fill: str) -> tuple[Tensor, Tensor | None]:
    """Blends the four old pixels around each new one's place."""
    height, width = images_NCHW.shape[2:]
    x = torch.arange(width, device=images_NCHW.device, dtype=torch.float32)
    y = torch.arange(height, device=images_NCHW.device, dtype=torch.float32)[:, None]
    if plan.lens_N is not None:
        from_x, from_y = x - (width - 1) / 2, y - (height - 1) / 2
        scale = torch.tensor(lens_scale(height, width), dtype=torch.float32)
        factor = 1.0 + plan.lens_N[:, None, None] * ((from_x * from_x + from_y * from_y) * scale)
        x, y = (width - 1) / 2 + from_x * factor, (height - 1) / 2 + from_y * factor
    maps = plan.maps_N23[:, :, :, None, None]
    x_NHW = maps[:, 0, 0] * x + maps[:, 0, 1] * y + maps[:, 0, 2]
    y_NHW = maps[:, 1, 0] * x + maps[:, 1, 1] * y + maps[:, 1, 2]
    x_NHW, y_NHW = fold(x_NHW, width, fill), fold(y_NHW, height, fill)
    left_NHW, top_NHW = x_NHW.floor(), y_NHW.floor()
    right_share, low_share = x_NHW - left_NHW, y_NHW - top_NHW
    left_NHW, top_NHW = left_NHW.to(torch.int64), top_NHW.to(torch.int64)
    blended_NCHW = torch.zeros(images_NCHW.shape, device=images_NCHW.device)
    inside_NHW = torch.zeros_like(x_NHW)
    for down, row_share in ((0, 1.0 - low_share), (1, low_share)):
        for along, column_share in ((0, 1.0 - right_share), (1, right_share)):
            rows, columns = top_NHW + down, left_NHW + along
            share_NHW = row_share * column_share
            if fill == "constant":
                share_NHW = share_NHW * (_within(rows, height) & _within(columns, width))
                inside_NHW = inside_NHW + share_NHW
            blended_NCHW = blended_NCHW + share_NHW[:, None] * _fetch(images_NCHW, rows, columns, fill)
    return blended_NCHW, inside_NHW if fill == "constant" else None


def fold(position: Tensor, size: int, fill: str) -> Tensor:
    """Brings positions, also between pixels, to where the picture or its border of one pixel shows the same.

    Args:
        position: float32, any shape, any value.
        size: rows or columns of the old picture.
        fill: mode of numpy.pad.

    Returns: float32: in [−1, size] for `constant`, [0, size − 1] for `edge` and `reflect`, [−½, size − ½] for
        `symmetric`, [0, size] for `wrap`.

    >>> fold(torch.tensor([-1.25, 3.5]), 3, "reflect").tolist()
    [1.25, 0.5]
    """
    if fill == "constant":
        return position.clamp(-1.0, size)
    if fill == "edge" or size == 1:
        return position.clamp(0.0, size - 1)
    if fill == "wrap":
        there = position - size * (position / size).floor()
    elif fill == "reflect":
        period = 2 * size - 2
        there = position - period * (position / period).floor()
        there = torch.minimum(there, period - there)
    else:
        there = position + 0.5
        there = there - 2 * size * (there / (2 * size)).floor()
        there = torch.minimum(there, 2 * size - there) - 0.5
    # So far away that a remainder is no longer exact, any pixel will do, but it must be one of the picture's.
    return there.clamp(-1.0, size)


def _fetch(images_NCHW: Tensor, rows: Tensor, columns: Tensor, fill: str) -> Tensor:
    """Reads old pixels at whole positions N H W (broadcast): float32 N C H W."""
    count, channels, height, width = images_NCHW.shape
    picture = torch.arange(count, device=images_NCHW.device)[:, None, None, None]
    channel = torch.arange(channels, device=images_NCHW.device)[None, :, None, None]
    row, column = old_index(rows, height, fill)[:, None], old_index(columns, width, fill)[:, None]
    return images_NCHW[picture, channel, row, column].to(torch.float32)


def _within(position: Tensor, size: int) -> Tensor:
    return (position >= 0) & (position < size)


def _color(pixels_NCHW: Tensor, colors_NCD: Tensor, inside_NHW: Tensor | None) -> Tensor:
    """Applies each picture's matrix; its offset counts as far as a pixel lies inside the picture.

    Adds from the first channel to the last, so that rounding is the same as in the kernel.
    """
    channels = pixels_NCHW.shape[1]
    mixed_NCHW = colors_NCD[:, :, 0, None, None] * pixels_NCHW[:, :1]
    for old in range(1, channels):
        mixed_NCHW = mixed_NCHW + colors_NCD[:, :, old, None, None] * pixels_NCHW[:, old : old + 1]
    offset_NCHW = colors_NCD[:, :, channels, None, None]
    return mixed_NCHW + (offset_NCHW if inside_NHW is None else offset_NCHW * inside_NHW[:, None])
