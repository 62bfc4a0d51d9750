"""Which parameter tensors a net has, what they do, and what the optimizer does with them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer

from trainwright.errors import InputError
from trainwright.runs import WatchedTensor

Kind = Literal["weight", "scale", "bias", "other"]


def unwrapped(model: nn.Module) -> nn.Module:
    """Takes off what torch puts around a net: torch.compile, DataParallel, DistributedDataParallel."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while True:
        inner = model.module if isinstance(model, wrappers) else getattr(model, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def parameters_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """Gives the parameters of a net by name, each once.

    Raises:
        InputError: there are none, or some that are made at the first call only.
    """
    parameters = dict(model.named_parameters())
    if not parameters:
        raise InputError(
            "the model has no parameters, so there is nothing to watch",
            expected="a torch.nn.Module whose layers are its attributes",
            got=type(model).__name__,
            hint="layers in a plain list are not seen by torch; put them into nn.ModuleList or nn.Sequential",
        )
    unmade = [name for name, parameter in parameters.items() if isinstance(parameter, UninitializedParameter)]
    if unmade:
        raise InputError(
            "the model has layers that take their shape from the first batch",
            got=unmade[0],
            hint="call the model once with a batch before it is watched, and before the optimizer is built",
        )
    return parameters


def normalizes(module: nn.Module) -> bool:
    """Says whether a module is a normalization: one of torch's, or by its name one of somebody else's."""
    known = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
    return isinstance(module, known) or "Norm" in type(module).__name__


def kind_of(name: str, parameter: Tensor, owner: nn.Module) -> Kind:
    """Says what a tensor does in its layer."""
    last = name.rsplit(".", 1)[-1]
    if normalizes(owner) and parameter.ndim <= 1:
        return "scale"
    if last.endswith("bias"):
        return "bias"
    return "weight" if parameter.ndim >= 2 and "weight" in name else "other"


def twins(weight: Tensor) -> float:
    """Measures the share of rows (filters) of a tensor that equal another row.

    >>> twins(torch.tensor([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]))
    0.6666666666666666
    """
    if weight.ndim < 2 or len(weight) < 2:
        return 0.0
    rows = weight.detach().flatten(1)
    drawn = torch.Generator().manual_seed(0)
    along = torch.rand(rows.shape[1], generator=drawn, dtype=torch.float64).to(rows.device)
    # Equal rows have equal sums; a sum a row is cheaper to sort than the rows.
    sums, order = (rows.double() * along).sum(1).sort() if rows.device.type != "mps" else rows.sum(1).sort()
    same = (rows[order[1:]] == rows[order[:-1]]).all(1) & (sums[1:] == sums[:-1])
    beside = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    beside[1:] |= same
    beside[:-1] |= same
    return int(beside.sum()) / len(rows)


def watched_tensors(
    model: nn.Module, parameters: Mapping[str, nn.Parameter], optimizer: Optimizer, normalized: Set[str]
) -> tuple[WatchedTensor, ...]:
    """Describes the parameter tensors of a net as they are now.

    Args:
        normalized: layers whose output goes into a normalization.
    """
    modules = dict(model.named_modules())
    held = {id(tensor): group for group in optimizer.param_groups for tensor in group["params"]}
    described: list[WatchedTensor] = []
    for name, parameter in parameters.items():
        layer = name.rpartition(".")[0]
        if layer.endswith(".parametrizations") or ".parametrizations." in f".{layer}.":
            layer = f".{layer}".split(".parametrizations")[0].lstrip(".")
        owner = modules[layer]
        kind = kind_of(name, parameter, owner)
        numbers = parameter.detach().float()
        group = held.get(id(parameter))
        described.append(
            WatchedTensor(
                name=name,
                layer=layer,
                kind=kind,
                shape=tuple(parameter.shape),
                trainable=parameter.requires_grad,
                moved=group is not None,
                normalized=layer in normalized and kind in ("weight", "bias"),
                deviation=float(numbers.std(correction=0)) if numbers.numel() else None,
                twins=twins(parameter) if kind == "weight" else 0.0,
                weight_decay=0.0 if group is None else float(group.get("weight_decay") or 0.0),
            )
        )
    return tuple(described)


def strangers(parameters: Mapping[str, nn.Parameter], optimizer: Optimizer) -> int:
    """Counts the tensors that the optimizer holds and the model does not have."""
    known = {id(parameter) for parameter in parameters.values()}
    return sum(id(tensor) not in known for group in optimizer.param_groups for tensor in group["params"])


def settings_of(optimizer: Optimizer) -> dict[str, Any]:
    """Gives the settings of an optimizer's first group that are plain: numbers, words, pairs of numbers."""
    plain: dict[str, Any] = {}
    for name, value in optimizer.param_groups[0].items():
        if isinstance(value, Tensor) and value.numel() == 1:
            value = float(value)
        if isinstance(value, bool | int | float | str) or (
            isinstance(value, tuple | list) and all(isinstance(number, int | float) for number in value)
        ):
            plain[name] = list(value) if isinstance(value, tuple) else value
    return plain
