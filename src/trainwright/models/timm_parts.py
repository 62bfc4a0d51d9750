"""Another activation, normalization or stochastic depth in a timm model: asked for, and looked for in what was built.

Models differ in what they take: some refuse an argument, some take it and leave it unused in places. What a model
really runs is what counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainwright.errors import InputError, some_of
from trainwright.recipe.model import OURS_ALONE, ModelSection

from .activations import ACTIVATIONS
from .normalizations import BatchInstanceNorm2d, InstanceNorm2d
from .watching import Operation, Watch

SHAPING: Final = frozenset(
    {
        *("relu", "leaky_relu", "_prelu_kernel", "rrelu_with_noise", "hardtanh", "clamp_min", "elu", "celu", "selu"),
        *("silu", "gelu", "mish", "hardswish", "softplus", "sigmoid", "tanh"),
    }
)
"""Names of torch's operations that are activations; those that write over what comes in end in an underscore."""

OF_GATES: Final = frozenset({"sigmoid"})
"""What gates multiply with, as in squeeze and excitation; it stays whatever the activation is."""


def check_timm_parts(section: ModelSection) -> None:
    """Refuses, before anything is built, what no timm model takes.

    Raises:
        InputError: with the key and its value.
    """
    for key, value in OURS_ALONE.items():
        if getattr(section, key.removeprefix("model.")) == value:
            raise InputError(
                f"timm's models take no {key}: {value}",
                expected="one of our own nets, or another value",
                got=f"model.name: {section.name}",
                where=key,
                hint="--model small-resnet, or plain",
            )


def timm_arguments(section: ModelSection) -> dict[str, Any]:
    """Lists what a timm model is asked for beyond its sizes."""
    arguments: dict[str, Any] = {}
    if section.activation != "native":
        arguments["act_layer"] = _activation(section)
    if section.normalization != "native":
        arguments["norm_layer"] = _normalization(section)[0]
    if section.stochastic_depth > 0:
        arguments["drop_path_rate"] = section.stochastic_depth
    return arguments


def refuse_unused(model: nn.Module, section: ModelSection, images_NCHW: Tensor) -> None:
    """Makes sure that a model runs what it was asked for, and no other of that kind.

    Args:
        model: built with `timm_arguments`, in evaluation mode.
        section: what was asked for.
        images_NCHW: pictures that the model takes.

    Raises:
        InputError: names what remained, and where.
    """
    if section.activation != "native":
        _refuse(section, "activation", _other_activations(model, section, images_NCHW))
    if section.normalization != "native":
        _refuse(section, "normalization", _other_normalizations(model, section))
    if section.stochastic_depth > 0:
        drops = [module for module in model.modules() if type(module).__name__ == "DropPath"]
        left_out = any(getattr(drop, "drop_prob", 0.0) for drop in drops)
        _refuse(section, "stochastic_depth", None if left_out else "no block is ever left out")


def unused(asked: Mapping[str, object], name: str, reason: str, *, larger_pictures: bool = False) -> InputError:
    """Words that a timm model does not do what settings ask for.

    Args:
        asked: keys and values of the settings.
        name: of the model.
        reason: what it does instead, or what it says.
        larger_pictures: whether they would help, since maps of one pixel have no deviation.
    """
    keys = " and ".join(asked)
    helps = "a larger --img-size, or " if larger_pictures else ""
    return InputError(
        f"the model '{name}' does not take {' and '.join(f'{key}: {value}' for key, value in asked.items())}",
        expected="a model that uses it everywhere",
        got=reason,
        where=keys,
        hint=f"{helps}leave {keys} out, or take another model, such as resnet18, or one of ours",
    )


def _refuse(section: ModelSection, field: str, reason: str | None) -> None:
    if reason is not None:
        raise unused({f"model.{field}": getattr(section, field)}, section.name, reason)


def _activation(section: ModelSection) -> Callable[..., nn.Module]:
    def act_layer(*_: Any, inplace: bool = False, **__: Any) -> nn.Module:
        module: Any = ACTIVATIONS[section.activation](1, section.leaky_slope)
        if hasattr(module, "inplace"):
            module.inplace = inplace
        return module

    return act_layer


def _normalization(section: ModelSection) -> tuple[Any, tuple[type[nn.Module], ...]]:
    """Gives what timm is handed, and the classes of the modules that it makes of it."""
    from timm.layers.norm import GroupNorm, GroupNorm1
    from timm.layers.norm_act import BatchNormAct2d, GroupNorm1Act, GroupNormAct

    return {
        "batch": (nn.BatchNorm2d, (nn.BatchNorm2d, BatchNormAct2d)),
        "instance": (InstanceNorm2d, (InstanceNorm2d,)),
        "layer": (GroupNorm1, (GroupNorm1, GroupNorm1Act)),
        "group": (functools.partial(GroupNorm, num_groups=section.norm_groups), (GroupNorm, GroupNormAct)),
        "batch-instance": (BatchInstanceNorm2d, (BatchInstanceNorm2d,)),
    }[section.normalization]


def _other_activations(model: nn.Module, section: ModelSection, images_NCHW: Tensor) -> str | None:
    """Says which other activations a model runs, and where; None where there are none."""
    with torch.no_grad():
        ran = _run(model, images_NCHW)
        wanted = set(_run(_activation(section)().eval(), torch.zeros(1)))
    remained = {name: places for name, places in ran.items() if name not in wanted | OF_GATES}
    if remained:
        return "; ".join(f"{name} in {_places(places)}" for name, places in sorted(remained.items()))
    return None if wanted & set(ran) else "it runs nowhere in this model"


def _other_normalizations(model: nn.Module, section: ModelSection) -> str | None:
    """Says which other normalizations a model has, and where; None where there are none."""
    norms = {
        name: module
        for name, module in model.named_modules()
        if "Norm" in type(module).__name__ and [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    }
    inner = {f"{name}.batch" for name, module in norms.items() if isinstance(module, BatchInstanceNorm2d)}
    wanted = _normalization(section)[1]
    remained = [name for name, module in norms.items() if type(module) not in wanted and name not in inner]
    if remained:
        return f"{', '.join(sorted({type(norms[name]).__name__ for name in remained}))} in {_places(remained)}"
    return None if norms else "it stands nowhere in this model"


def _run(model: nn.Module, images_NCHW: Tensor) -> dict[str, list[str]]:
    """Runs a model and lists the activations that it computes, each with the modules in which it does."""
    watch = _Watch()
    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(functools.partial(watch.enter, name)))
        handles.append(module.register_forward_hook(watch.leave))
    try:
        with watch:
            model(images_NCHW)
    finally:
        for handle in handles:
            handle.remove()
    return watch.found


class _Watch(Watch):
    """Notes every activation, and the module that runs it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._inside: list[str] = []

    def note(self, ran: Operation) -> None:
        name = ran.kind.__name__.removesuffix("_")
        if name in SHAPING:
            self.found.setdefault(name, []).append(self._inside[-1])

    def enter(self, name: str, _module: nn.Module, _inputs: Any) -> None:
        self._inside.append(name)

    def leave(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        self._inside.pop()


def _places(names: list[str]) -> str:
    return some_of(list(dict.fromkeys(name or "the net itself" for name in names)))
