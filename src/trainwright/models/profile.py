"""The table of a net's layers: output shape, parameters, multiply-adds, receptive field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from .modes import evaluating
from .normalizations import BatchInstanceNorm2d
from .receptive_field import Field, FieldTracker
from .watching import Operation, Watch

aten = torch.ops.aten

WHOLE = (BatchInstanceNorm2d,)
"""Layers that hold others, of which nothing is told by themselves."""

PICTURES = 2
"""Pictures in the batch that is run: not 1, so that no layer mistakes the batch for an axis to drop."""


@dataclass(frozen=True)
class LayerRow:
    """One layer of a net.

    Attributes:
        name: the way to the module, as in `state_dict`.
        kind: the module's class.
        output_shape: shape of what goes out for one picture, without N; None where the net does not use the layer.
        parameters: numbers that are learned in this layer itself; those that two layers share count in the first.
        multiply_adds: multiplications with an addition for one picture, in convolutions and matrix products; what
            works number by number (normalization, activation, pooling) counts nothing.
        receptive_field: height and width, in pixels, of what one number that goes out can see of the picture, padding
            counted; more than the picture means that it sees all of it. None where it cannot be known.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    multiply_adds: int
    receptive_field: tuple[int, int] | None


def layer_table(model: nn.Module, *, channels: int, img_size: int) -> list[LayerRow]:
    """Describes every layer of a net, in the order in which a picture passes through them.

    Runs one batch of empty pictures in evaluation mode. The net, its mode, its buffers and all random states are
    afterwards as they were.

    Args:
        model: a net for float pictures N C H W, on any device.
        channels: channels C of the pictures.
        img_size: side of the square pictures, pixels.

    Returns:
        A row for every layer that does something, and for every other module that holds parameters or multiplies
        itself.
        Parameters and multiply-adds add up to those of the net.

    Source: multiply-adds: He et al. 2016, table 1; receptive field: Araujo et al. 2019.

    >>> for row in layer_table(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), channels=1, img_size=8):
    ...     print(row.name, row.output_shape, row.parameters, row.multiply_adds, row.receptive_field)
    0 (4, 6, 6) 40 1296 (3, 3)
    1 (4, 6, 6) 0 0 (3, 3)
    """
    first = next(model.parameters(), torch.empty(0))
    images_NCHW = torch.zeros(PICTURES, channels, img_size, img_size, dtype=first.dtype, device=first.device)
    gpus = [first.device] if first.is_cuda else []
    tracker = FieldTracker()
    tracker.start(images_NCHW)
    watch = _Watch(model, tracker)
    with evaluating(model), watch.listening(), torch.random.fork_rng(gpus), torch.no_grad(), tracker, watch:
        model(images_NCHW)
    return watch.rows()


class _Watch(Watch):
    """Sees every operation of a forward pass and knows which module it belongs to."""

    def __init__(self, model: nn.Module, tracker: FieldTracker) -> None:
        super().__init__()
        self._tracker = tracker
        self._modules = whole_modules(model)
        self._names = {module: name for name, module in self._modules}
        self._inside: list[str] = []
        self._outputs: dict[str, tuple[tuple[int, ...], Field | None]] = {}
        self._products: dict[str, int] = {}

    def note(self, ran: Operation) -> None:
        products = _products(ran.kind, ran.arguments, ran.result)
        if products:
            name = self._inside[-1]
            self._products[name] = self._products.get(name, 0) + products

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keeps account, by hooks, of the module that runs, and of what each returns."""
        handles = []
        for module in self._names:
            handles.append(module.register_forward_pre_hook(self._enter))
            handles.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def rows(self) -> list[LayerRow]:
        """Returns the table once the forward pass is over."""
        counted: set[int] = set()
        own: dict[str, int] = {}
        for name, module in self._modules:
            parameters = [p for p in _own_parameters(module) if id(p) not in counted]
            counted.update(id(parameter) for parameter in parameters)
            own[name] = sum(parameter.numel() for parameter in parameters)
        kinds = {name: kind_of(module) for name, module in self._modules}
        leaves = {name for name, module in self._modules if is_leaf(module)}
        silent = [name for name in kinds if name not in self._outputs and own[name]]
        rows = []
        for name in [*self._outputs, *silent]:
            products = self._products.get(name, 0) // PICTURES
            holds_others = name not in leaves and not own[name] and not products
            if holds_others or kinds[name] == "Identity":
                continue
            shape, field = self._outputs.get(name, (None, None))
            rows.append(LayerRow(name, kinds[name], shape, own[name], products, field.size if field else None))
        return rows

    def _enter(self, module: nn.Module, _inputs: Any) -> None:
        self._inside.append(self._names[module])

    def _leave(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        name = self._inside.pop()
        if isinstance(output, Tensor):
            self._outputs[name] = (tuple(output.shape[1:]), self._tracker.field(output))


def kind_of(module: nn.Module) -> str:
    """Names the class of a module as it was before torch's parametrize made another of it."""
    kind = type(module)
    return (kind.__mro__[1] if is_parametrized(module) else kind).__name__


def is_leaf(module: nn.Module) -> bool:
    """Tells whether a module holds no others but those that are part of it."""
    return isinstance(module, WHOLE) or all(name == "parametrizations" for name, _ in module.named_children())


def whole_modules(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Lists the modules of a net by their names, without those that are part of a layer.

    These are what computes a layer's weights (torch's parametrize), and the batch normalization that is mixed into
    batch-instance normalization.
    """
    whole = {name for name, module in model.named_modules() if isinstance(module, WHOLE)}
    return [
        (name, module)
        for name, module in model.named_modules()
        if "parametrizations" not in name.split(".") and (not name or name.rpartition(".")[0] not in whole)
    ]


def _own_parameters(module: nn.Module) -> Iterator[nn.Parameter]:
    """Yields the parameters of a module itself, and those that its weights are computed from."""
    yield from module.parameters(recurse=False)
    if is_parametrized(module):
        yield from module.get_submodule("parametrizations").parameters()


def _products(operation: Any, arguments: Sequence[Any], result: Any) -> int:
    """Counts the multiplications with an addition in one operation on the whole batch."""
    if operation in (aten.convolution, aten._convolution):
        images_NCHW, weight, transposed = arguments[0], arguments[1], arguments[6]
        # Each output number is a sum over its group's channels and the taps of the kernel, and a transposed
        # convolution is the same with input and output exchanged. Dilation spreads the taps and adds none.
        positions = images_NCHW if transposed else result
        return positions.numel() * prod(weight.shape[1:])
    if operation in (aten.mm, aten.bmm):
        return result.numel() * arguments[0].shape[-1]
    if operation in (aten.addmm, aten.baddbmm):
        return result.numel() * arguments[1].shape[-1]
    if operation in ATTENTION:
        query, key, value = arguments[:3]
        return prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])
    return 0


ATTENTION = tuple(
    getattr(aten, name)
    for name in (
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
    )
    if hasattr(aten, name)
)
