"""The one resample as compiled code for CPUs, and pictures that move by whole pixels; blend.py does all others.

Every picture is read once and written once, still warm in the cache.

numba compiles these functions on first use and keeps the machine code on disk. They hold no lock of the interpreter, so
that apply.py can run them on several threads. A picture is the work of one thread, so that results do not hang on the
number of threads; arithmetic is float32 in a fixed order, the same as in gather.py.

Legend: N pictures, C channels, D = C+1, H W height and width, P = N·C·H·W places in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

CONSTANT, EDGE, REFLECT, SYMMETRIC, WRAP = range(5)
FILL_CODES = {"constant": CONSTANT, "edge": EDGE, "reflect": REFLECT, "symmetric": SYMMETRIC, "wrap": WRAP}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function, and keeps the machine code where numba finds a folder that can be written."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # numba's words for "no such folder"; then each process compiles for itself.
        return numba.njit(nogil=True)(function)


@compiled
def old_index(position: int, size: int, fill: int) -> int:
    """Says which old row or column stands at a position, as numpy.pad would have it; -1 where it is the constant."""
    if 0 <= position < size:
        return position
    if fill == CONSTANT:
        return -1
    if fill == WRAP:
        return position % size
    if fill == SYMMETRIC:
        there_and_back = position % (2 * size)
        return min(there_and_back, 2 * size - 1 - there_and_back)
    if fill == REFLECT and size > 1:
        there_and_back = position % (2 * size - 2)
        return min(there_and_back, 2 * size - 2 - there_and_back)
    return 0 if position < 0 else size - 1


@compiled
def hide(boxes_B4: Any, constant_C: Any, out_P: Any, start: int, strides: tuple[int, int, int]) -> None:
    """Writes the constant over the boxes of one picture that begins at `start`."""
    for box in range(len(boxes_B4)):
        for channel in range(len(constant_C)):
            for y in range(boxes_B4[box, 0], boxes_B4[box, 2]):
                row = start + channel * strides[0] + y * strides[1]
                for x in range(boxes_B4[box, 1], boxes_B4[box, 3]):
                    out_P[row + x * strides[2]] = constant_C[channel]


@compiled
def move_pictures(
    images_NCHW: Any,
    maps_N23: Any,
    colours_NCD: Any,
    boxes_NB4: Any,
    fill: int,
    constant_C: Any,
    out_P: Any,
    strides: tuple[int, int, int],
    first: int,
    last: int,
) -> None:
    """Finishes pictures first … last - 1 whose maps mirror and move by whole pixels, and whose channels stay apart.

    Args:
        images_NCHW: uint8.
        maps_N23, colours_NCD, boxes_NB4: as in plan.Plan; N may be 1 for colours.
        fill: one of FILL_CODES.
        constant_C: float32, what fills boxes, and the outside under `constant`.
        out_P: float32, the finished pictures, one after the other.
        strides: places from one channel, row, column to the next.
    """
    _, channels, height, width = images_NCHW.shape
    columns = np.empty(width, np.int64)
    for picture in range(first, last):
        start = picture * channels * height * width
        colour_CD = colours_NCD[min(picture, len(colours_NCD) - 1)]
        along, right = int(maps_N23[picture, 0, 0]), int(maps_N23[picture, 0, 2])
        down, low = int(maps_N23[picture, 1, 1]), int(maps_N23[picture, 1, 2])
        for x in range(width):
            columns[x] = old_index(along * x + right, width, fill)
        for channel in range(channels):
            scale, shift = colour_CD[channel, channel], colour_CD[channel, channels]
            outside = constant_C[channel]
            for y in range(height):
                to = start + channel * strides[0] + y * strides[1]
                row = old_index(down * y + low, height, fill)
                if row < 0:
                    for x in range(width):
                        out_P[to + x * strides[2]] = outside
                    continue
                old_W = images_NCHW[picture, channel, row]
                for x in range(width):
                    column = columns[x]
                    value = outside if column < 0 else np.float32(old_W[column]) * scale + shift
                    out_P[to + x * strides[2]] = value
        hide(boxes_NB4[picture], constant_C, out_P, start, strides)


@compiled
def sum_channels(images_NCHW: Any, sums_NC: Any, first: int, last: int) -> None:
    """Adds up the stored values of each channel of pictures first … last - 1 into int64."""
    for picture in range(first, last):
        for channel in range(images_NCHW.shape[1]):
            total = 0
            for value in images_NCHW[picture, channel].reshape(-1):
                total += value
            sums_NC[picture, channel] = total
