"""A picture of any shape → a square of the size that the net sees.

The filter is Pillow's antialiased bilinear one (a triangle as wide as the reduction), the same that torchvision's
`Resize` uses on pictures. A reduction by four or more is first done in whole steps (`reducing_gap` 2): a fifth faster,
and 0.7 levels on average from the one-step result (300 to 64 pixels, the pictures of benchmarks/make_pictures.py).
"""

from __future__ import annotations

from typing import Literal

from PIL import Image

Fit = Literal["crop", "pad", "squash"]
REDUCING_GAP = 2.0


def fit_square(image: Image.Image, side: int, fit: Fit, ground: int = 0) -> Image.Image:
    """Makes a picture square; one that already has the size is returned untouched, byte for byte.

    Args:
        image: mode L or RGB.
        side: of the square, in pixels.
        fit: `crop` keeps the middle square of the picture, `pad` keeps all of it on the ground, `squash` keeps all
            of it and lets its proportions go.
        ground: value of all channels beside a padded picture, 0 black to 255 white.
    Source: Pillow, Image.resize; crop as torchvision's ImageNet evaluation (Resize, CenterCrop)
    >>> fit_square(Image.new("L", (8, 4)), 4, "pad").size
    (4, 4)
    """
    width, height = image.size
    if width == height == side:
        return image
    if fit == "squash" or width == height:
        return _resize(image, (side, side), (0, 0, width, height))
    if fit == "crop":
        short = min(width, height)
        left, top = (width - short) / 2, (height - short) / 2
        return _resize(image, (side, side), (left, top, left + short, top + short))
    long = max(width, height)
    size = (max(1, round(width * side / long)), max(1, round(height * side / long)))
    square = Image.new(image.mode, (side, side), (ground,) * len(image.getbands()))
    square.paste(_resize(image, size, (0, 0, width, height)), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def decoded_side(width: int, height: int, least: int, fit: Fit) -> tuple[int, int]:
    """Finds the smallest size a picture may be decoded at, so that what is kept of it still measures `least`.

    Args:
        width, height: of the stored picture, in pixels.
        least: what the shorter side (crop, squash) or the longer side (pad) must still measure, in pixels.

    >>> decoded_side(300, 200, 128, "crop"), decoded_side(300, 200, 128, "pad")
    ((192, 128), (128, 85))
    """
    decisive = max(width, height) if fit == "pad" else min(width, height)
    return max(1, width * least // decisive), max(1, height * least // decisive)


def _resize(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    if image.size == size and box == (0, 0, *size):
        return image
    return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=REDUCING_GAP)
