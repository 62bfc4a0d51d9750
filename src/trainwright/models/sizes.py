"""Sizes of feature maps: what a window leaves of a picture, and how often our own nets halve it."""

from __future__ import annotations

from trainwright.errors import InputError

SMALLEST_PICTURE = 4
"""Pixels. Below, the last stage of our own nets would have nothing left to halve."""


def windows(size: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Counts the positions of a sliding window along one axis: the output size of a convolution or pooling.

    Args:
        size: pixels of the input along the axis, without padding.
        kernel: taps of the window along the axis.
        stride: pixels from one position to the next.
        padding: pixels added on each side.
        dilation: pixels from one tap to the next.

    Returns:
        ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1; not positive where the window does not fit.

    Source: Dumoulin & Visin 2016, relationship 15.

    >>> windows(28, 3, padding=1), windows(28, 3, stride=2, padding=1), windows(7, 2, stride=2)
    (28, 14, 3)
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def stage_count(img_size: int) -> int:
    """Tells how many stages our own nets have, so that the last map is about 4 to 8 pixels wide.

    Every stage but the first halves the map; that of `small-resnet` does too after a narrow block (`entry_width`).

    Args:
        img_size: side of the square pictures, pixels.

    Source: own choice.

    >>> [stage_count(size) for size in (8, 16, 28, 32, 64, 96)]
    [2, 3, 3, 3, 4, 4]
    """
    if img_size <= 12:
        return 2
    return 3 if img_size <= 48 else 4


def entry_width(img_size: int, width: int) -> int:
    """Gives the channels of the narrow block that a small residual net has at full size; 0 where it has none.

    From 17 pixels on, stages of full width at full size would cost most of the time. A narrow block there is better
    than halving the picture at once: with stages of 48, 96, 192 channels 93.6 and 93.7 (2 seeds) against 93.3 % (1)
    of the test part right after 5 epochs.

    Args:
        img_size: side of the square pictures, pixels.
        width: channels of the first stage.

    Source: own measurement, Fashion-MNIST, 2 cores (benchmarks/results/widths.md).

    >>> entry_width(28, 32), entry_width(8, 32)
    (16, 0)
    """
    return max(1, width // 2) if img_size > 16 else 0


def stage_widths(img_size: int, width: int) -> tuple[int, ...]:
    """Gives the channels of each stage of a small residual net.

    Up to 16 pixels every stage doubles the one before. Above, the largest maps cost most of the time, so that the first
    stage is narrow and the last ones grow faster: 93.6 % after 5 epochs with 32, 64, 192 channels, 93.7 with 64, 128,
    256, medians of 3 seeds (benchmarks/results/widths.md, with the times).

    Args:
        img_size: side of the square pictures, pixels.
        width: channels of the first stage.

    Source: own measurement, Fashion-MNIST, 2 cores.

    >>> stage_widths(8, 32), stage_widths(28, 32), stage_widths(64, 32)
    ((32, 64), (32, 64, 192), (32, 64, 192, 384))
    """
    growth = (1, 2, 6, 12) if img_size > 16 else (1, 2, 4, 8)
    return tuple(width * times for times in growth[: stage_count(img_size)])


def check_img_size(name: str, img_size: int) -> None:
    """Refuses pictures in which one of our own nets would run out of pixels.

    Args:
        name: the net, as the recipe names it.
        img_size: side of the square pictures, pixels.

    Raises:
        InputError: img_size is below SMALLEST_PICTURE.
    """
    if img_size < SMALLEST_PICTURE:
        raise InputError(
            f"the pictures are too small for the model '{name}'",
            expected=f"at least {SMALLEST_PICTURE}×{SMALLEST_PICTURE} pixels",
            got=f"{img_size}×{img_size} pixels",
            where="data.img_size",
            hint="give larger pictures, or let them be enlarged: --img-size 8",
        )
