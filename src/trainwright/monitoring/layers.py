"""Which layers of a net are looked at, and a walk through the net that sees what each gives out.

Legend: N pictures, U units (channels, features), P positions.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.models.watching import Operation, Watch
from trainwright.runs import WatchedLayer

from .tensors import normalizes

MOST_LAYERS = 200
"""Layers told at most; of more, this many spread evenly over the net. Own choice."""

PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd, nn.Upsample, nn.PixelShuffle)
"""Modules that hand on what they get."""

WHOLE = (nn.MultiheadAttention, nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)
"""Modules that are one layer, whatever stands inside of them."""

FEATURES_LAST = (nn.MultiheadAttention, nn.Linear, nn.Bilinear, nn.LayerNorm, nn.RMSNorm)
FEATURES_SECOND = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)
"""Modules whose outputs have their units along the last axis, or along the second."""

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
        bounds: where a hard activation ends.
    """

    name: str
    kind: str
    output: Tensor
    axis: int
    bounds: tuple[float, float] | None = None


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
        # What is passed through does not make a layer of several: timm's normalizations hold such places.
        parts = [part for part in module.children() if not isinstance(part, PASSING)]
        if (whole or not parts) and not isinstance(module, PASSING) and "Pool" not in type(module).__name__:
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
    """Follows a forward pass through a net and tells each layer that is called.

    Args:
        normalized: is told the name of a layer whose output goes straight into a normalization.
    """

    def __init__(self, model: nn.Module, look: Callable[[Called], None], normalized: Callable[[str], object]) -> None:
        self.look = look
        self.normalized = normalized
        self.layers = {id(module): name for name, module in candidates(model).items()}
        self.names = {id(module): name for name, module in model.named_modules()}
        self.calls = Counter[str]()
        self.open: list[str] = []
        self.inside = 0
        self.last: tuple[str, Tensor] | None = None
        self.axes: dict[tuple[int, ...], int] = {}

    def entered(self, module: nn.Module, inputs: Any) -> None:
        """Is told that a module was called."""
        self.open.append(self.names[id(module)])
        if self.last is not None and normalizes(module) and first_tensor(inputs) is self.last[1]:
            self.normalized(self.last[0])
        self.inside += id(module) in self.layers

    def left(self, module: nn.Module, output: Any) -> None:
        """Is told what a module gave out."""
        self.open.pop()
        if id(module) not in self.layers:
            return
        self.inside -= 1
        tensor = first_tensor(output)
        if self.inside == 0 and tensor is not None:
            bounds = None
            if isinstance(module, nn.Hardtanh) and not isinstance(module, nn.ReLU6):
                bounds = (float(module.min_val), float(module.max_val))
            name = self._numbered(self.layers[id(module)])
            self._tell(name, type(module).__name__, tensor, module, bounds)
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
        self._tell(name, kind, ran.result, None, bounds)

    def _tell(
        self,
        name: str,
        kind: str,
        tensor: Tensor,
        module: nn.Module | None,
        bounds: tuple[float, float] | None,
    ) -> None:
        if not tensor.is_floating_point() or tensor.numel() == 0 or tensor.ndim == 0:
            return
        axis = self._axis(tensor, module)
        with torch.no_grad():
            self.look(Called(name, kind, tensor.detach(), axis, bounds))

    def _axis(self, tensor: Tensor, module: nn.Module | None) -> int:
        """Says along which axis the units of an output lie; those of an activation where they lay before it."""
        shape = tuple(tensor.shape)
        if isinstance(module, FEATURES_LAST):
            self.axes[shape] = tensor.ndim - 1
        elif isinstance(module, FEATURES_SECOND):
            self.axes[shape] = 1
        usual = tensor.ndim - 1 if tensor.ndim <= 3 else 1
        return self.axes.get(shape, usual)

    def _numbered(self, name: str) -> str:
        self.calls[name] += 1
        return name if self.calls[name] == 1 else f"{name}#{self.calls[name]}"


class Names:
    """Takes note of the layers that a net calls, and of which of them a normalization follows."""

    def __init__(self) -> None:
        self.layers: dict[str, WatchedLayer] = {}
        self.normalized: set[str] = set()

    def look(self, called: Called) -> None:
        """Takes note of a layer."""
        units, shape = called.output.shape[called.axis], tuple(called.output.shape[1:])
        self.layers.setdefault(called.name, WatchedLayer(name=called.name, kind=called.kind, units=units, shape=shape))

    def watched(self) -> tuple[WatchedLayer, ...]:
        """Gives the layers in the order of their first call; of more than `MOST_LAYERS` some, spread evenly."""
        layers = tuple(self.layers.values())
        if len(layers) <= MOST_LAYERS:
            return layers
        return tuple(layers[index * (len(layers) - 1) // (MOST_LAYERS - 1)] for index in range(MOST_LAYERS))


@contextmanager
def walking(
    model: nn.Module, look: Callable[[Called], None], normalized: Callable[[str], object] = lambda _: None
) -> Iterator[None]:
    """Tells each layer that is called in one forward pass, in the order of the calls; hooks come off at its end.

    What torch.compile compiled runs uncompiled.
    """
    walk = Walk(model, look, normalized)
    hooks: list[Any] = []
    try:
        for module in model.modules():
            hooks.append(module.register_forward_pre_hook(lambda module, inputs: walk.entered(module, inputs)))
            hooks.append(module.register_forward_hook(lambda module, _inputs, output: walk.left(module, output)))
        with _uncompiled(), _Functions(walk.function):
            yield
    finally:
        for hook in hooks:
            hook.remove()


def _uncompiled() -> AbstractContextManager[object]:
    """Lets run uncompiled in a block what torch.compile compiled; torch loads its compiler, for seconds, only then."""
    loaded = "torch._dynamo" in sys.modules
    return torch.compiler.set_stance("force_eager") if loaded else nullcontext()


def first_tensor(value: Any) -> Tensor | None:
    """Finds the first tensor of what a module takes or gives: a tensor, or a tuple or mapping of such."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next((found for part in value if (found := first_tensor(part)) is not None), None)
    return None
