"""What `auto` means for the net: chosen by picture size, count and device, with the reason.

Milliseconds of one CPU core for one picture forward and backward (bfloat16 with AMX · float32; batches of 16,
channels last; torch 2.15, timm 1.0.31), and top-1 accuracy on ImageNet by timm's list:

    model                  128 pixels     224 pixels    ImageNet
    32, 64, 128, 256       14.6 · 33.9    47.6 · 110    –
    resnet18               14.0 · 31.8    30.2 · 85.1   69.8 % (tv_in1k)
    regnetx_002             7.0 ·  8.9    19.6 · 24.5   68.7 %
    mobilenetv3_small_100  14.4 ·  7.1    33.6 · 17.6   67.7 %
    efficientnet_lite0     44.8 · 25.7    124 · 103     75.5 %

The first row is a residual net with these channels and two blocks a stage. Convolutions of one channel each (mobilenet,
efficientnet) have few multiply-adds and gain nothing from bfloat16 on a CPU; those of groups (regnet) do.
"""

from __future__ import annotations

from collections.abc import Collection

from trainwright.recipe.init import InitSection
from trainwright.recipe.model import OURS_ALONE, OWN_MODELS, ModelSection
from trainwright.recipe.recipe import Choice
from trainwright.recipe.section import declared

from .parts import Parts

SMALL_PICTURE = 96
"""Pixels. Up to here our own nets are made; above, a net must first throw pixels away, as timm's do."""

TINY_PICTURE = 16
"""Pixels. Up to here the stem keeps every pixel, and a small net sees all there is."""

NOT_OF_REGNET = ("instance", "batch-instance")
"""Values of `model.normalization` that regnetx_002 does not take, and the residual nets of timm do."""

MANY_PICTURES = 100_000
"""From here a large net on a GPU has enough to learn from."""


def choose_model(
    section: ModelSection,
    *,
    img_size: int,
    channels: int,
    classes: int,
    pictures: int,
    device: str,
    task: str = "classification",
    asked_for: Collection[str] = (),
) -> list[Choice]:
    """Chooses name, width and depth of the net where the recipe says `auto`.

    Args:
        section: the recipe's section; what it already decides is left alone.
        img_size: side of the square pictures, pixels.
        channels: channels C of the pictures.
        classes: classes K.
        pictures: pictures to train on.
        device: where the net trains: `cpu`, `cuda`, `cuda:1`, `mps`.
        task: what it learns, for the words of the reason.
        asked_for: dotted keys of the settings that somebody gave on purpose; a net that takes them is chosen.

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
    pictures_in_words = f"{pictures:,} {'gray' if channels == 1 else 'color'} pictures of {img_size}×{img_size} pixels"
    learned = f"in {classes} classes" if task == "classification" else f"for {task}"
    situation = f"{pictures_in_words} {learned}, {'on a CPU' if on_cpu else f'on {device}'}"
    choices: list[Choice] = []
    name = section.name
    if name == "auto":
        name, why = _name(section, asked_for, img_size, pictures, on_cpu)
        choices.append(Choice("model.name", name, f"{situation}: {why}"))
    if name not in OWN_MODELS:
        return choices
    if section.width == "auto":
        width, why = _width(name, img_size)
        choices.append(Choice("model.width", width, f"{situation}: {why}"))
    if section.depth == "auto":
        depth, why = _depth(name, img_size)
        choices.append(Choice("model.depth", depth, f"{situation}: {why}"))
    return choices


def choose_init(section: InitSection, model: ModelSection) -> list[Choice]:
    """Chooses how the first weights are drawn where the recipe says `auto`.

    Args:
        section: what it already decides is left alone.
        model: its name decided.

    >>> choose_init(InitSection(), ModelSection(name="plain"))[0].value
    'kaiming-fan-out'
    """
    if section.scheme != "auto":
        return []
    if model.weights != "none":
        why = "weights are loaded; what they leave out starts as the net's own code has it"
        return [Choice("init.scheme", "native", why)]
    if model.name not in OWN_MODELS:
        return [Choice("init.scheme", "native", "timm starts each model as its authors did")]
    return [Choice("init.scheme", *scheme_for(Parts.of(model).activation))]


def only_ours(section: ModelSection, asked_for: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Finds what was asked for and no timm model takes: its key → those of our own nets that do.

    Those that fewest nets take come first.

    Args:
        section: of the recipe, in which the name may say `auto`.
        asked_for: dotted keys of the settings that somebody gave on purpose.

    >>> only_ours(ModelSection(width=16, pooling="stride"), ["model.width", "model.pooling"])
    {'model.pooling': ('plain',), 'model.width': ('small-resnet', 'plain')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for field, info in ModelSection.model_fields.items():
        key, takers = f"model.{field}", declared(info).get("applies", {}).get("name")
        if key in asked_for and (takers is not None or getattr(section, field) == OURS_ALONE.get(key)):
            found[key] = tuple(net for net in OWN_MODELS if takers is None or net in takers)
    return dict(sorted(found.items(), key=lambda item: len(item[1])))


def scheme_for(activation: str) -> tuple[str, str]:
    """Names the scheme for nets of an activation, with the reason.

    Source: Glorot & Bengio 2010 (saturating, odd around 0); Klambauer et al. 2017 (selu); He et al. 2015 (all others;
    for maxout with the gain of gains.py).
    """
    if activation in ("linear", "sigmoid", "tanh"):
        return "xavier", f"{activation} passes small signals on in proportion, forward and backward alike"
    if activation == "maxout":
        return "kaiming", "the larger of two keeps the mean square of what each is summed from; two share its gradient"
    if activation == "selu":
        return "xavier-caffe", "selu normalizes by itself where weights have the variance 1/fan_in"
    return "kaiming-fan-out", f"{activation} takes part of the signal; this keeps the size of gradients"


def _name(
    section: ModelSection, asked_for: Collection[str], img_size: int, pictures: int, on_cpu: bool
) -> tuple[str, str]:
    for key, nets in only_ours(section, asked_for).items():
        if OWN_MODELS[0] not in nets:
            return nets[0], f"{key} is given, and only {nets[0]} has it"
        if img_size > SMALL_PICTURE:
            return nets[0], f"{key} is given, and only our own nets take it"
    if img_size <= SMALL_PICTURE:
        return (
            "small-resnet",
            f"our own net for pictures up to {SMALL_PICTURE} pixels",
        )
    if on_cpu and section.normalization in NOT_OF_REGNET:
        return "resnet18", f"it takes model.normalization: {section.normalization}, which regnetx_002 does not"
    if on_cpu:
        return "regnetx_002", "half the time of resnet18 a picture on a CPU, within 1 % of its accuracy on ImageNet"
    if pictures >= MANY_PICTURES:
        return "resnet50", f"from {MANY_PICTURES:,} pictures a net of 24 million parameters has enough to learn from"
    return "resnet18", f"below {MANY_PICTURES:,} pictures a net of 11 million parameters is enough"


def _width(name: str, img_size: int) -> tuple[int, str]:
    if img_size <= TINY_PICTURE:
        return 32, f"up to {TINY_PICTURE} pixels 32 channels learn as much as 64"
    if name == "plain":
        return 64, "64 channels in the first stage, as in VGG"
    return 32, "few channels where maps are large and cost most; more gained little (benchmarks/results/widths.md)"


def _depth(name: str, img_size: int) -> tuple[int, str]:
    if name == "plain":
        return 2, "two convolutions between poolings, as in VGG; without a way around them, more are hard to train"
    if img_size <= TINY_PICTURE:
        return 1, f"up to {TINY_PICTURE} pixels a second block a stage gained nothing (digits, 4 seeds)"
    return (
        2,
        "two blocks a stage; measured on other pictures, the second gained half a per cent for 1.4 times the time",
    )
