"""Any backbone of timm by its name, sized by the data.

timm takes seconds to import, so it is imported only when a name of timm's is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from trainwright.errors import InputError
from trainwright.recipe.model import OWN_MODELS, ModelSection

from .timm_parts import check_timm_parts, refuse_unused, timm_arguments, unused

SOURCE_ATTRIBUTE = "_source_preprocessing"
"""Where a net that was filled from a file carries its source's mean and standard deviation; copies keep it."""

MISFITS = (AssertionError, RuntimeError, ValueError, ArithmeticError)
"""What timm's models raise when a picture is too small for them or does not fit their patches."""

REFUSALS = (TypeError, AttributeError, LookupError)
"""What they raise beside those when they do not know an argument, or what it asks for."""

NATIVE = {"activation": "native", "normalization": "native", "stochastic_depth": 0.0}
"""A model as its authors built it."""


def build_timm(section: ModelSection, *, classes: int, channels: int, img_size: int) -> nn.Module:
    """Builds a timm model with random weights; timm itself adapts the input layer and the head.

    Models with a fixed input size are built for img_size. One dry run on an empty picture makes sure that the model
    really takes pictures of this size.

    Args:
        section: its name is timm's, with or without the tag of its weights: `resnet18`, `resnet18.a1_in1k`.
        classes: classes K, size of the head.
        channels: channels C of the pictures.
        img_size: side of the square pictures, pixels.

    Raises:
        InputError: no such name; the model takes no pictures of this size, or not the activation, normalization or
            stochastic depth that is asked for.
    """
    name = section.name
    check_timm_name(name)
    check_timm_parts(section)
    import timm
    from timm.models import get_pretrained_cfg

    arguments: dict[str, object] = {"num_classes": classes, "in_chans": channels}
    config = get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size:
        arguments["img_size"] = img_size
    if section.dropout > 0:
        arguments["drop_rate"] = section.dropout
    asked = timm_arguments(section)
    refusals = MISFITS + REFUSALS if asked else MISFITS
    try:
        model = timm.create_model(name, pretrained=False, **arguments, **asked)  # pyright: ignore[reportArgumentType]
        _dry_run(model, section, channels=channels, img_size=img_size)
    except refusals as error:
        if asked:
            blamed = _to_blame(section, classes=classes, channels=channels, img_size=img_size)
            raise _takes_no(section, blamed, error) from error
        raise _does_not_fit(name, img_size, channels, error) from error
    return model


def check_timm_name(name: str) -> None:
    """Makes sure that timm has a model of this name.

    Raises:
        InputError: it has none; the message names the nearest ones, or the tags that exist.
    """
    import timm
    from timm.models import get_arch_pretrained_cfgs

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise InputError(
            f"there is no model '{name}'",
            expected="small-resnet, plain, or a name from timm's list",
            got=f"'{name}'",
            where="model.name",
            hint=_nearest_names(architecture),
        )
    tagged = sorted(get_arch_pretrained_cfgs(architecture))
    if tag and name not in tagged:
        raise InputError(
            f"timm has no weights with the tag '{tag}' for the model '{architecture}'",
            expected=f"one of: {', '.join(tagged)}" if tagged else f"'{architecture}', without a tag",
            got=f"'{name}'",
            where="model.name",
            hint=f"'{architecture}' alone takes timm's first choice of weights",
        )


def source_preprocessing(model: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Tells the standardization that a timm model's loaded weights were trained with.

    Returns:
        Mean and standard deviation of each channel, for pictures scaled to 0 … 1; None for nets with random weights
        and for our own nets. Where a three-channel source meets gray pictures, both are averaged over the channels,
        as timm sums the weights of the first layer over them.
    """
    return getattr(model, SOURCE_ATTRIBUTE, None)


def remember_source(model: nn.Module, *, channels: int) -> None:
    """Notes on a timm model, once weights are loaded, what `source_preprocessing` then tells."""
    config: Any = model.pretrained_cfg
    mean, std = (_fit(config[key], channels) for key in ("mean", "std"))
    setattr(model, SOURCE_ATTRIBUTE, (mean, std))


def _fit(numbers: Sequence[float], channels: int) -> tuple[float, ...]:
    """Fits one number a channel to other channels, as timm fits weights: averaged for gray, else in turn."""
    if channels == 1:
        return (sum(numbers) / len(numbers),)
    return tuple(numbers[channel % len(numbers)] for channel in range(channels))


def _nearest_names(name: str) -> str:
    import timm

    near = difflib.get_close_matches(name.lower(), [*OWN_MODELS, *timm.list_models()], n=4, cutoff=0.6)
    if not near:
        return "python -c 'import timm; print(*timm.list_models(), sep=\"\\n\")' prints all names"
    return f"did you mean {' or '.join(repr(option) for option in near)}?"


def _dry_run(model: nn.Module, section: ModelSection, *, channels: int, img_size: int) -> None:
    """Runs one empty picture through the model, in evaluation mode so that nothing in it changes."""
    images_NCHW = torch.zeros(1, channels, img_size, img_size)
    model.eval()
    with torch.no_grad():
        model(images_NCHW)
    refuse_unused(model, section, images_NCHW)
    model.train()


def _to_blame(section: ModelSection, *, classes: int, channels: int, img_size: int) -> list[str]:
    """Names the fields that a model does not take, each tried by itself; all of them where each alone would do.

    Raises:
        InputError: the size is to blame, since the model as it is does not take it either; or the model takes one of
            the fields and leaves it unused.
    """
    native = section.model_copy(update=NATIVE)
    build_timm(native, classes=classes, channels=channels, img_size=img_size)
    fields = [field for field, value in NATIVE.items() if getattr(section, field) != value]
    if len(fields) == 1:
        return fields
    alone = {field: native.model_copy(update={field: getattr(section, field)}) for field in fields}
    blamed = [field for field in fields if not _builds(alone[field], classes, channels, img_size)]
    return blamed or fields


def _builds(section: ModelSection, classes: int, channels: int, img_size: int) -> bool:
    try:
        build_timm(section, classes=classes, channels=channels, img_size=img_size)
    except InputError:
        return False
    return True


def _takes_no(section: ModelSection, fields: Sequence[str], error: Exception) -> InputError:
    """Words that a model does not take some fields; where maps of one pixel are the reason, larger pictures help."""
    reason = str(error).strip().splitlines()
    return unused(
        {f"model.{field}": getattr(section, field) for field in fields},
        section.name,
        reason[0] if reason else type(error).__name__,
        larger_pictures="spatial element" in str(error),
    )


def _does_not_fit(name: str, img_size: int, channels: int, error: Exception) -> InputError:
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    native = None if config is None else config.input_size[-1]
    reason = str(error).strip().splitlines()
    return InputError(
        f"the model '{name}' takes no pictures of {img_size}×{img_size} pixels with {channels} channels",
        expected=None if native is None else f"{native}×{native} pixels, for which it was made",
        got=f"{img_size}×{img_size} pixels: {reason[0] if reason else type(error).__name__}",
        where="model.name, data.img_size",
        hint=f"--img-size {native or 224}, or a model that takes any size, such as resnet18",
    )
