"""What `auto` means for the net: chosen by picture size, count and device, with the reason.

Milliseconds of one core for a picture forward and backward (bfloat16 with AMX · float32; torch 2.15, timm 1.0.31):

    pixels  small-resnet 32×2  regnetx_002  resnet18   mobilenetv3_small_100
    128     14.6 · 33.9         7.0 ·  8.9  14.0 · 31.8   14.4 ·  7.1
    224     47.6 · 110         19.6 · 24.5  30.2 · 85.1   33.6 · 17.6

Nets of depthwise convolutions have the fewest multiply-adds and yet gain nothing from bfloat16. regnetx_002 has grouped
convolutions, is as good as resnet18 on ImageNet (timm lists both near 69 %), and takes from a quarter to two thirds of
its time.
"""

from __future__ import annotations

from trainwright.recipe.model import OWN_MODELS, ModelSection
from trainwright.recipe.recipe import Choice

SMALL_PICTURE = 96
"""Pixels. Up to here our own nets are made; above, a net must first throw pixels away, as timm's do."""

MANY_PICTURES = 100_000
"""From here a large net on a GPU has enough to learn from."""


def choose_model(
    section: ModelSection, *, img_size: int, channels: int, classes: int, pictures: int, device: str
) -> list[Choice]:
    """Chooses name, width and depth of the net where the recipe says `auto`.

    Args:
        section: the recipe's section; what it already decides is left alone.
        img_size: side of the square pictures, pixels.
        channels: channels C of the pictures.
        classes: classes K.
        pictures: pictures to train on.
        device: where the net trains: `cpu`, `cuda`, `cuda:1`, `mps`.

    Returns:
        A choice for every key that is `auto` and has an effect; width and depth have none on timm's models.

    Source: own choice, by the times above.

    >>> for choice in choose_model(ModelSection(), img_size=28, channels=1, classes=10, pictures=55_000, device="cpu"):
    ...     print(choice.key, choice.value)
    model.name small-resnet
    model.width 32
    model.depth 2
    """
    on_cpu = device.startswith("cpu")
    situation = f"{img_size}×{img_size} pictures, {pictures:,} of them, {'on a CPU' if on_cpu else f'on {device}'}"
    choices: list[Choice] = []
    name = section.name
    if name == "auto":
        name, why = _name(img_size, pictures, on_cpu)
        choices.append(Choice("model.name", name, f"{situation}: {why}"))
    if name not in OWN_MODELS:
        return choices
    if section.width == "auto":
        width, why = _width(on_cpu)
        choices.append(Choice("model.width", width, f"{situation}: {why}"))
    if section.depth == "auto":
        depth, why = _depth(name, img_size)
        choices.append(Choice("model.depth", depth, f"{situation}: {why}"))
    return choices
