"""From the section `model` of a recipe to a net with its first weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from trainwright.errors import InputError, TrainwrightError
from trainwright.recipe.init import InitSection
from trainwright.recipe.model import ModelSection

from .choice import scheme_for
from .drops import drop_connections
from .gains import find_activation
from .initialization import initialize
from .parts import Parts
from .plain import Plain
from .pretrained import find_pretrained
from .small_resnet import SmallResNet
from .timm_models import build_timm, check_timm_name, remember_source
from .timm_parts import check_timm_parts
from .weights import WeightReport, load_weights, read_tensors

OWN_BUILDERS: Final[dict[str, Callable[..., nn.Module]]] = {"small-resnet": SmallResNet, "plain": Plain}
"""Our own nets by the name they have in the recipe; all take the same arguments."""

NATIVE: Final = InitSection(scheme="native")
"""Weights as the net's own code draws them; those of our own nets as `auto` does."""


@dataclass(frozen=True)
class Built:
    """A net and what became of the file of weights that the recipe names (None where it names none)."""

    model: nn.Module
    weights: WeightReport | None


def build(
    section: ModelSection, *, classes: int, channels: int, img_size: int, seed: int, init: InitSection = NATIVE
) -> Built:
    """Builds a net on the CPU in float32; the first weights are a function of the arguments alone.

    Torch's global random state is left as it was.

    Args:
        section: decided, that is without `auto`.
        classes: classes K, at least 2; size of the head.
        channels: channels C of the pictures, 1 or 3.
        img_size: side of the square pictures, pixels.
        seed: decides the first weights, 0 to 2⁶³ − 1.
        init: how they are drawn; decided. What `lsuv` and `data-dependent` do with pictures is not done here.

    Returns:
        A net in training mode that maps float pictures N C H W to logits N K, and the report on loaded weights.

    Raises:
        InputError: no such model; pictures too small for it; weights that cannot be had or are of another model.
        TrainwrightError: the section still says `auto` where the net needs a value, a bug of ours.
    """
    for key, value in (("model.name", section.name), ("init.scheme", init.scheme)):
        if value == "auto":
            raise _undecided(key)
    generator_state = torch.get_rng_state()
    # Only the CPU's generator draws here; torch.manual_seed would also reset those of the GPUs.
    torch.default_generator.manual_seed(seed)
    try:
        if section.name in OWN_BUILDERS:
            model = _own_net(section, classes=classes, channels=channels, img_size=img_size)
            initialize(model, _of_our_own(init, model))
        else:
            model = build_timm(section, classes=classes, channels=channels, img_size=img_size)
            initialize(model, init)
        report = _fill(model, section, channels=channels)
        if section.dropconnect > 0:  # last, since it changes the names under which weights are kept
            drop_connections(model, section.dropconnect)
        return Built(model, report)
    finally:
        torch.set_rng_state(generator_state)


def build_model(
    section: ModelSection, *, classes: int, channels: int, img_size: int, seed: int = 0, init: InitSection = NATIVE
) -> nn.Module:
    """Builds a net as `build` does, for those who need no report on loaded weights.

    >>> tiny = ModelSection(name="plain", width=4, depth=1)
    >>> tuple(build_model(tiny, classes=3, channels=1, img_size=8)(torch.zeros(2, 1, 8, 8)).shape)
    (2, 3)
    """
    return build(section, classes=classes, channels=channels, img_size=img_size, seed=seed, init=init).model


def check_model(section: ModelSection) -> None:
    """Makes sure that a net and its weights can be had, before pictures are read; weights may be downloaded for it.

    Args:
        section: of a whole recipe, decided or not; its rules have seen to it that weights have a named model.

    Raises:
        InputError: no such model, no such weights, or weights that cannot be had.
    """
    if section.name not in (*OWN_BUILDERS, "auto"):
        check_timm_name(section.name)
        check_timm_parts(section)
    if section.weights == "pretrained":
        find_pretrained(section.name)
    elif section.weights != "none":
        read_tensors(section.weights)


def _own_net(section: ModelSection, *, classes: int, channels: int, img_size: int) -> nn.Module:
    if section.width == "auto":
        raise _undecided("model.width")
    if section.depth == "auto":
        raise _undecided("model.depth")
    if section.weights == "pretrained":
        raise InputError(
            f"the model '{section.name}' has no pretrained weights",
            expected="'none', or the path of a file of weights",
            got="'pretrained'",
            where="model.weights",
            hint="take a timm model for pretrained weights, such as --model resnet18",
        )
    return OWN_BUILDERS[section.name](
        classes=classes,
        channels=channels,
        img_size=img_size,
        width=section.width,
        depth=section.depth,
        dropout=section.dropout,
        parts=Parts.of(section),
    )


def _of_our_own(init: InitSection, model: nn.Module) -> InitSection:
    """Says what `native` is for our own nets: what `auto` takes for their activation."""
    if init.scheme != "native":
        return init
    return init.model_copy(update={"scheme": scheme_for(find_activation(model)[0])[0]})


def _fill(model: nn.Module, section: ModelSection, *, channels: int) -> WeightReport | None:
    """Loads the weights that the recipe names, if any."""
    if section.weights == "none":
        return None
    report = load_weights(model, find_pretrained(section.name) if section.weights == "pretrained" else section.weights)
    if section.name not in OWN_BUILDERS:
        remember_source(model, channels=channels)
    return report


def _undecided(key: str) -> TrainwrightError:
    return TrainwrightError(
        f"{key} is still 'auto'",
        expected="a decided recipe",
        where=key,
        hint="choose_model and choose_init decide it",
    )
