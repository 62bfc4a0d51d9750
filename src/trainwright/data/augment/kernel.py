"""The one resample as compiled code for CPUs: every picture is read once and written once, still warm in the cache.

All compiled functions that call each other, and their constants, stand in this file: the machine code that is kept on
disk is made anew when the file of the outermost function changes, and no other. They hold no lock of the interpreter,
so that apply.py can run them on several threads. A picture is the work of one thread, so that results do not hang on
the number of threads; arithmetic is float32 in a fixed order, the same as in gather.py.

Legend: N pictures, C channels, D = C+1, H W height and width, B boxes, G groups of up to three channels, P places,
S pixels of a strip.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiling import compiled

CONSTANT, EDGE, REFLECT, SYMMETRIC, WRAP = range(5)
STRIP = 1024
"""Pixels worked on at once, in whole rows: enough for the short loops to be worth beginning, in little enough memory to
stay in the nearest cache. On one core a pixel of pictures of 64×64 takes `blend_pictures` 6.3 ns, where row by row it
took 8.9; one of pictures of 512×512 6.5 to 6.8 either way."""

FILL_CODES = {"constant": CONSTANT, "edge": EDGE, "reflect": REFLECT, "symmetric": SYMMETRIC, "wrap": WRAP}


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
    colors_NCD: Any,
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
        maps_N23, colors_NCD, boxes_NB4: as in plan.Plan; N may be 1 for colors.
        fill: one of FILL_CODES.
        constant_C: float32, what fills boxes, and the outside under `constant`.
        out_P: float32, the finished pictures, one after the other.
        strides: places from one channel, row, column to the next.
    """
    _, channels, height, width = images_NCHW.shape
    columns = np.empty(width, np.int64)
    for picture in range(first, last):
        start = picture * channels * height * width
        color_CD = colors_NCD[min(picture, len(colors_NCD) - 1)]
        along, right = int(maps_N23[picture, 0, 0]), int(maps_N23[picture, 0, 2])
        down, low = int(maps_N23[picture, 1, 1]), int(maps_N23[picture, 1, 2])
        for x in range(width):
            columns[x] = old_index(along * x + right, width, fill)
        for channel in range(channels):
            scale, shift = color_CD[channel, channel], color_CD[channel, channels]
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
def mixed(word: Any) -> Any:
    """Scrambles a 32-bit word; see noise.mixed. Products are cut back to 32 bits by hand, as numba widens them."""
    word = np.uint32(word ^ (word >> np.uint32(16)))
    word = np.uint32(word * np.uint32(0x7FEB352D))
    word = np.uint32(word ^ (word >> np.uint32(15)))
    word = np.uint32(word * np.uint32(0x846CA68B))
    return np.uint32(word ^ (word >> np.uint32(16)))


@compiled
def add_noise(blend_CS: Any, count: int, channel: int, first_place: int, std: float, keys_2: Any, table: Any) -> None:
    """Adds normal numbers to one channel of a strip, whose first value is the `first_place`-th of the picture."""
    key, other_key = np.uint32(keys_2[0]), np.uint32(keys_2[1])
    for at in range(count):
        place = np.uint32(first_place + at)
        word = mixed(np.uint32(mixed(np.uint32((place >> np.uint32(1)) + key)) ^ other_key))
        half = word >> np.uint32(16) if place & np.uint32(1) else word & np.uint32(0xFFFF)
        blend_CS[channel, at] += np.float32(std) * table[half]


@compiled
def pack(old_CHW: Any, fill: int, packed_GHW: Any) -> None:
    """Writes up to three channels of one picture into one word a pixel, so that one read fetches them.

    Around the picture stands a border as `fill` has it, one pixel before and two behind; the highest byte of a word is
    1 inside and 0 where the constant stands. The border must be 0 before.
    """
    channels, height, width = old_CHW.shape
    here = np.uint32(1 << 24)
    packed_P = packed_GHW.reshape(-1)
    for group in range(len(packed_GHW)):
        # Indices without a sign, because signed ones might count from the end, which keeps loops from being vectors.
        for y in range(height):
            to = np.uint64((group * (height + 3) + y + 1) * (width + 3) + 1)
            for x in range(width):
                packed_P[to + np.uint64(x)] = here | np.uint32(old_CHW[3 * group, y, x])
            for byte in range(1, min(3, channels - 3 * group)):
                shift = np.uint32(8 * byte)
                for x in range(width):
                    packed_P[to + np.uint64(x)] |= np.uint32(old_CHW[3 * group + byte, y, x]) << shift
        if fill == CONSTANT:
            continue
        for y in (-1, height, height + 1):
            for x in range(-1, width + 2):
                packed_GHW[group, y + 1, x + 1] = beyond(packed_GHW, group, y, x, fill)
        for x in (-1, width, width + 1):
            for y in range(height):
                packed_GHW[group, y + 1, x + 1] = beyond(packed_GHW, group, y, x, fill)


@compiled
def beyond(packed_GHW: Any, group: int, y: int, x: int, fill: int) -> int:
    """Finds the word that stands beyond the border at (y, x)."""
    row = old_index(y, packed_GHW.shape[1] - 3, fill)
    column = old_index(x, packed_GHW.shape[2] - 3, fill)
    return packed_GHW[group, row + 1, column + 1]


@compiled
def find_strip(map_23: Any, bend: Any, scale: Any, rows: tuple[int, int], size: tuple[int, int], old_2S: Any) -> None:
    """Writes where the pixels of the rows from the first up to the second of the new picture lie in the old one."""
    height, width = size
    one = np.float32(1)
    a, b, shift_x = map_23[0, 0], map_23[0, 1], map_23[0, 2]
    c, d, shift_y = map_23[1, 0], map_23[1, 1], map_23[1, 2]
    middle_x, middle_y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
    for y in range(rows[0], rows[1]):
        begin = np.uint64((y - rows[0]) * width)
        from_y = np.float32(y) - middle_y
        for x in range(width):
            new_x, new_y = np.float32(x), np.float32(y)
            if bend != 0:
                from_x = new_x - middle_x
                factor = one + bend * ((from_x * from_x + from_y * from_y) * scale)
                new_x, new_y = middle_x + from_x * factor, middle_y + from_y * factor
            old_2S[0, begin + np.uint64(x)] = a * new_x + b * new_y + shift_x
            old_2S[1, begin + np.uint64(x)] = c * new_x + d * new_y + shift_y


@compiled
def fold(old_2S: Any, count: int, axis: int, size: int, fill: int) -> None:
    """Brings positions along one axis to where the picture or its border shows the same; see gather.fold."""
    half, last = np.float32(0.5), np.float32(size - 1)
    if fill == CONSTANT:
        for at in range(count):
            old_2S[axis, at] = min(max(old_2S[axis, at], np.float32(-1)), np.float32(size))
    elif fill == EDGE or size == 1:
        for at in range(count):
            old_2S[axis, at] = min(max(old_2S[axis, at], np.float32(0)), last)
    elif fill == WRAP:
        period = np.float32(size)
        for at in range(count):
            old_2S[axis, at] -= period * np.floor(old_2S[axis, at] / period)
    elif fill == REFLECT:
        period = np.float32(2 * size - 2)
        for at in range(count):
            there = old_2S[axis, at] - period * np.floor(old_2S[axis, at] / period)
            old_2S[axis, at] = min(there, period - there)
    else:
        period = np.float32(2 * size)
        for at in range(count):
            there = old_2S[axis, at] + half
            there -= period * np.floor(there / period)
            old_2S[axis, at] = min(there, period - there) - half
    # So far away that a remainder is no longer exact, any pixel will do, but it must be one of the picture's.
    for at in range(count):
        old_2S[axis, at] = min(max(old_2S[axis, at], np.float32(-1)), np.float32(size))


@compiled
def fetch(old_2S: Any, count: int, packed_GHW: Any, group: int, places_S: Any, words_4S: Any, shares_4S: Any) -> None:
    """Reads the four old pixels around each new one's folded position, and works out their shares."""
    one = np.float32(1)
    rows, columns = packed_GHW.shape[1:]
    stride = np.int32(columns)
    first = np.int32(group * rows * columns + columns + 1)
    for at in range(count):
        floor_x, floor_y = np.floor(old_2S[0, at]), np.floor(old_2S[1, at])
        right_share, low_share = old_2S[0, at] - floor_x, old_2S[1, at] - floor_y
        left_share, top_share = one - right_share, one - low_share
        shares_4S[0, at] = top_share * left_share
        shares_4S[1, at] = top_share * right_share
        shares_4S[2, at] = low_share * left_share
        shares_4S[3, at] = low_share * right_share
        places_S[at] = first + np.int32(floor_y) * stride + np.int32(floor_x)
    packed_P = packed_GHW.reshape(-1)
    right, low = np.uint64(1), np.uint64(columns)
    for at in range(count):
        place = np.uint64(places_S[at])
        words_4S[0, at] = packed_P[place]
        words_4S[1, at] = packed_P[place + right]
        words_4S[2, at] = packed_P[place + low]
        words_4S[3, at] = packed_P[place + low + right]


@compiled
def blend(words_4S: Any, shares_4S: Any, count: int, byte: int, blend_CS: Any, channel: int) -> None:
    """Mixes one byte of the four old pixels by their shares."""
    shift, all_bits = np.uint32(8 * byte), np.uint32(255)
    for at in range(count):
        value = shares_4S[0, at] * np.float32(np.int32((words_4S[0, at] >> shift) & all_bits))
        value += shares_4S[1, at] * np.float32(np.int32((words_4S[1, at] >> shift) & all_bits))
        value += shares_4S[2, at] * np.float32(np.int32((words_4S[2, at] >> shift) & all_bits))
        value += shares_4S[3, at] * np.float32(np.int32((words_4S[3, at] >> shift) & all_bits))
        blend_CS[channel, at] = value


@compiled
def color(blend_CS: Any, inside_1S: Any, count: int, color_D: Any, outside: Any, fill: int, new_S: Any) -> None:
    """Works out one new channel from the old ones; a matrix's offset counts as far as a pixel lies inside."""
    channels = len(blend_CS)
    one = np.float32(1)
    factor, offset = color_D[0], color_D[channels]
    for at in range(count):
        new_S[at] = factor * blend_CS[0, at]
    for other in range(1, channels):
        factor = color_D[other]
        for at in range(count):
            new_S[at] += factor * blend_CS[other, at]
    if fill == CONSTANT:
        for at in range(count):
            new_S[at] = (new_S[at] + offset * inside_1S[0, at]) + (one - inside_1S[0, at]) * outside
    else:
        for at in range(count):
            new_S[at] += offset


@compiled
def blend_pictures(
    images_NCHW: Any,
    maps_N23: Any,
    lens_N: Any,
    lens_scale: float,
    colors_NCD: Any,
    boxes_NB4: Any,
    noise_std_N: Any,
    noise_keys_N2: Any,
    noise_table: Any,
    fill: int,
    constant_C: Any,
    out_P: Any,
    strides: tuple[int, int, int],
    first: int,
    last: int,
) -> None:
    """Finishes pictures first … last - 1 under any maps and color matrices; arguments as in `move_pictures`.

    Each new pixel is the bilinear blend of the four old ones around its place; under `constant`, those that lie outside
    count as the constant. It goes strip by strip through short loops without branches, which a compiler turns into
    vector instructions: places, old pixels, blend, colors, each in a strip's worth of memory that stays in the cache.

    Args:
        lens_N: as in plan.Plan, empty for none.
        lens_scale: geometry.lens_scale of the picture.
        noise_std_N, noise_keys_N2: as in plan.Noise, empty for none.
        noise_table: noise.normal_table.
    """
    _, channels, height, width = images_NCHW.shape
    packed_GHW = np.zeros(((channels + 2) // 3, height + 3, width + 3), np.uint32)
    rows = max(1, STRIP // width)
    strip = rows * width
    old_2S = np.empty((2, strip), np.float32)
    places_S = np.empty(strip, np.int64)
    words_4S = np.empty((4, strip), np.uint32)
    shares_4S = np.empty((4, strip), np.float32)
    inside_1S = np.empty((1, strip), np.float32)
    blend_CS = np.empty((channels, strip), np.float32)
    new_S = np.empty(strip, np.float32)
    for picture in range(first, last):
        start = picture * channels * height * width
        color_CD = colors_NCD[min(picture, len(colors_NCD) - 1)]
        bend = lens_N[picture] if len(lens_N) else np.float32(0)
        noisy = len(noise_std_N) > 0 and noise_std_N[picture] != 0
        pack(images_NCHW[picture], fill, packed_GHW)
        for y in range(0, height, rows):
            end = min(y + rows, height)
            count = (end - y) * width
            find_strip(maps_N23[picture], bend, np.float32(lens_scale), (y, end), (height, width), old_2S)
            fold(old_2S, count, 0, width, fill)
            fold(old_2S, count, 1, height, fill)
            for group in range(len(packed_GHW)):
                fetch(old_2S, count, packed_GHW, group, places_S, words_4S, shares_4S)
                for channel in range(3 * group, min(3 * group + 3, channels)):
                    blend(words_4S, shares_4S, count, channel - 3 * group, blend_CS, channel)
            if fill == CONSTANT:
                blend(words_4S, shares_4S, count, 3, inside_1S, 0)
            if noisy:
                for channel in range(channels):
                    place = (channel * height + y) * width
                    add_noise(
                        blend_CS, count, channel, place, noise_std_N[picture], noise_keys_N2[picture], noise_table
                    )
            for channel in range(channels):
                to = np.uint64(start + channel * strides[0] + y * strides[1])
                color(blend_CS, inside_1S, count, color_CD[channel], constant_C[channel], fill, new_S)
                if strides[2] == 1:
                    for at in range(count):
                        out_P[to + np.uint64(at)] = new_S[at]
                else:
                    for at in range(count):
                        out_P[to + np.uint64(at * strides[2])] = new_S[at]
        hide(boxes_NB4[picture], constant_C, out_P, start, strides)
