"""Which layers of a net are looked at, and a walk through the net that sees what each gives out.

Legend: N pictures, U units (channels, features), P positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.models.watching import Operation, Watch

from .tensors import normalizes

MOST_LAYERS = 200
"""Layers told at most; of more, this many spread evenly over the net. Own choice."""

PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd, nn.Upsample, nn.PixelShuffle)
"""Modules that hand on what they get."""

WHOLE = (nn.MultiheadAttention, nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)
"""Modules that are one layer, whatever stands inside of them."""

FUNCTIONS = {
    "relu": "relu",
    "relu_": "relu",
    "hardtanh": "hardtanh",
    "hardtanh_": "hardtanh",
    "leaky_relu": "leaky_relu",
    "leaky_relu_": "leaky_relu",
    "tanh": "tanh",
    "tanh_": "tanh",
    "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid",
    "hardsigmoid": "hardsigmoid",
    "hardsigmoid_": "hardsigmoid",
    "gelu": "gelu",
    "silu": "silu",
    "silu_": "silu",
    "elu": "elu",
    "elu_": "elu",
}
"""Torch's operation → the activation that it is, where a net calls it as a function."""


@dataclass(frozen=True, eq=False)
class Called:
    """A layer was called.

    Attributes:
        name: dotted; from the second call in one forward pass on with the number of the call: `block.act#2`.
        kind: class of the module, or name of the function.
        output: as it came out; it may be overwritten by the next layer.
        axis: that of its units.
        module: None of a function.
        bounds: where a hard activation ends.
        fed_by: name of the layer whose output went straight into it, as far as that is known.
    """

    name: str
    kind: str
    output: Tensor
    axis: int
    module: nn.Module | None
    bounds: tuple[float, float] | None = None
    fed_by: str | None = None


def candidates(model: nn.Module) -> dict[str, nn.Module]:
    """Names the modules that transform what goes through them: layers without layers inside, and whole ones."""
    found: dict[str, nn.Module] = {}
    inside: set[int] = set()
    for name, module in model.named_modules():
        if id(module) in inside:
            continue
        whole = isinstance(module, WHOLE) or hasattr(module, "parametrizations")
        if whole:
            inside.update(id(part) for part in module.modules() if part is not module)
        leaf = not any(True for _ in module.children())
        pools = "Pool" in type(module).__name__
        if (whole or leaf or normalizes(module)) and not isinstance(module, PASSING) and not pools:
            found[name] = module
    return found


class _Functions(Watch):
    def __init__(self, told: Callable[[str, Operation], None]) -> None:
        super().__init__()
        self._told = told

    def note(self, ran: Operation) -> None:
        kind = FUNCTIONS.get(getattr(ran.kind, "__name__", ""))
        if kind is not None and isinstance(ran.result, Tensor):
            self._told(kind, ran)


class Walk:
    """Follows a forward pass through a net and tells each layer that is called."""

    def __init__(self, model: nn.Module, look: Callable[[Called], None]) -> None:
        self.look = look
        self.layers = {id(module): name for name, module in candidates(model).items()}
        self.names = {id(module): name for name, module in model.named_modules()}
        self.begin()

    def begin(self) -> None:
        """Begins a forward pass."""
        self.calls = Counter[str]()
        self.open: list[str] = []
        self.inside = 0
        self.last: tuple[str, Tensor] | None = None
        self.features_last: set[tuple[int, ...]] = set()

    def entered(self, module: nn.Module, inputs: Any) -> None:
        """Is told that a module was called."""
        self.open.append(self.names[id(module)])
        if id(module) in self.layers:
            self.inside += 1
            given = first_tensor(inputs)
            straight = self.last is not None and given is self.last[1]
            self.fed_by = self.last[0] if straight and self.last is not None else None

    def left(self, module: nn.Module, output: Any) -> None:
        """Is told what a module gave out."""
        self.open.pop()
        if id(module) not in self.layers:
            return
        self.inside -= 1
        tensor = first_tensor(output)
        if self.inside == 0 and tensor is not None:
            fed_by, bounds = self.fed_by, None
            if isinstance(module, nn.Hardtanh) and not isinstance(module, nn.ReLU6):
                bounds = (float(module.min_val), float(module.max_val))
            name = self._numbered(self.layers[id(module)])
            self._tell(name, type(module).__name__, tensor, module, bounds, fed_by)
            self.last = (self.layers[id(module)], tensor)

    def function(self, kind: str, ran: Operation) -> None:
        """Is told of an activation that ran; those of layers are told by the layers."""
        if self.inside or not ran.result.is_floating_point():
            return
        bounds = None
        if kind == "hardtanh":
            low, high = (*ran.arguments[1:], *((-1.0, 1.0)[len(ran.arguments) - 1 :]))
            kind, bounds = ("relu6", None) if (low, high) == (0, 6) else (kind, (float(low), float(high)))
        owner = self.open[-1] if self.open else ""
        name = self._numbered(f"{owner}.{kind}()" if owner else f"{kind}()")
        self._tell(name, kind, ran.result, None, bounds, None)

    def _tell(
        self,
        name: str,
        kind: str,
        tensor: Tensor,
        module: nn.Module | None,
        bounds: tuple[float, float] | None,
        fed_by: str | None,
    ) -> None:
        if not tensor.is_floating_point() or tensor.numel() == 0 or tensor.ndim == 0:
            return
        last = isinstance(module, nn.Linear | nn.LayerNorm | nn.MultiheadAttention) or tensor.ndim == 3
        last = last and not isinstance(module, nn.Conv1d | nn.BatchNorm1d)
        if last:
            self.features_last.add(tuple(tensor.shape))
        # An activation has its units where the layer before it has them.
        elif module is None or not any(True for _ in module.parameters(recurse=False)):
            last = tuple(tensor.shape) in self.features_last
        axis = tensor.ndim - 1 if last else min(1, tensor.ndim - 1)
        with torch.no_grad():
            self.look(Called(name, kind, tensor.detach(), axis, module, bounds, fed_by))

    def _numbered(self, name: str) -> str:
        self.calls[name] += 1
        return name if self.calls[name] == 1 else f"{name}#{self.calls[name]}"


@contextmanager
def walking(model: nn.Module, look: Callable[[Called], None]) -> Iterator[Walk]:
    """Tells each layer that is called in the block, in the order of the calls; hooks come off at its end.

    The walk's `begin` is to be called before every forward pass. What torch.compile compiled runs uncompiled.
    """
    walk = Walk(model, look)
    hooks: list[Any] = []
    try:
        for module in model.modules():
            hooks.append(module.register_forward_pre_hook(lambda module, inputs: walk.entered(module, inputs)))
            hooks.append(module.register_forward_hook(lambda module, _inputs, output: walk.left(module, output)))
        with torch.compiler.set_stance("force_eager"), _Functions(walk.function):
            yield walk
    finally:
        for hook in hooks:
            hook.remove()


def first_tensor(value: Any) -> Tensor | None:
    """Finds the first tensor of what a module takes or gives: a tensor, or a tuple or mapping of such."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next((found for part in value if (found := first_tensor(part)) is not None), None)
    return None
