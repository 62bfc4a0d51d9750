"""Which pixels of the input a number inside a net can see, followed operation by operation.

On each axis, what position i of a feature map sees of the input is an interval: from jump·i + first to
jump·i + last. Convolutions, poolings and paddings move its ends by formulas, sums and concatenations unite intervals,
and everything that works number by number keeps them. Where an operation does none of this (attention, permuted axes,
enlargement), the field is unknown from there on rather than guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

aten = torch.ops.aten


@dataclass(frozen=True)
class Interval:
    """Position i sees the input from jump·i + first to jump·i + last, in pixels; jump 0: all positions see the same.

    Padding counts as pixels outside the picture, so that ends may be negative or lie beyond its border.
    """

    jump: int
    first: int
    last: int

    def windows(self, kernel: int, stride: int, padding: int, dilation: int) -> Interval:
        """What a sliding window over this axis sees.

        >>> Interval(1, 0, 0).windows(3, stride=2, padding=1, dilation=1)
        Interval(jump=2, first=-1, last=1)
        """
        first = self.first - self.jump * padding
        return Interval(self.jump * stride, first, self.last + self.jump * (dilation * (kernel - 1) - padding))

    def everywhere(self, positions: int) -> Interval:
        """What all positions of the axis see together."""
        return Interval(0, self.first, self.last + self.jump * (positions - 1))

    def unite(self, other: Interval, positions: int, pixels: int) -> Interval | None:
        """What a number sees that was made of one number of each kind; None where that differs by position.

        Where one of them has seen all that the other sees of the picture, what remains to differ is padding.
        """
        if self.jump == other.jump:
            return Interval(self.jump, min(self.first, other.first), max(self.last, other.last))
        fixed, moving = (self, other) if self.jump == 0 else (other, self)
        sweep = moving.everywhere(positions)
        inside = max(sweep.first, 0), min(sweep.last, pixels - 1)
        if fixed.jump == 0 and fixed.first <= inside[0] and inside[1] <= fixed.last:
            return Interval(0, min(fixed.first, sweep.first), max(fixed.last, sweep.last))
        return None


@dataclass(frozen=True)
class Field:
    """The intervals of a tensor's last two axes, or, once they are gone, of its features."""

    height: Interval
    width: Interval

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels; may exceed the picture, of which such a number sees all."""
        return self.height.last - self.height.first + 1, self.width.last - self.width.first + 1

    @property
    def fixed(self) -> bool:
        """Whether every position sees the same."""
        return self.height.jump == 0 and self.width.jump == 0

    def everywhere(self, height: int, width: int) -> Field:
        """What all positions of a map of this size see together."""
        return Field(self.height.everywhere(height), self.width.everywhere(width))


INPUT = Field(Interval(1, 0, 0), Interval(1, 0, 0))


@dataclass(frozen=True)
class Step:
    """One operation: those of its arguments that depend on the input, with their fields, and all arguments.

    `picture` is the input's height and width in pixels.
    """

    fields: list[Field]
    sources: list[Tensor]
    arguments: Sequence[Any]
    result: Any
    picture: tuple[int, int]

    @property
    def field(self) -> Field:
        """The field of the first source."""
        return self.fields[0]

    @property
    def source(self) -> Tensor:
        """The first source."""
        return self.sources[0]


class FieldTracker(TorchDispatchMode):
    """Knows the field of every tensor that is computed from the input while this context is entered.

    >>> images_NCHW = torch.zeros(1, 1, 9, 9)
    >>> with torch.no_grad(), FieldTracker() as tracker:
    ...     tracker.start(images_NCHW)
    ...     maps_NFHW = torch.nn.Conv2d(1, 1, 3, dilation=2)(images_NCHW)
    >>> tracker.field(maps_NFHW).size
    (5, 5)
    """

    def __init__(self) -> None:
        super().__init__()
        self._fields: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._picture = (0, 0)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Torch would import its whole compiler, for seconds, only to keep it away from the method below.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self._follow(func, args, kwargs or {}, result)
        return result

    def start(self, images_NCHW: Tensor) -> None:
        """Declares a tensor to be the input."""
        self._fields[images_NCHW] = INPUT
        self._picture = (images_NCHW.shape[-2], images_NCHW.shape[-1])

    def field(self, tensor: Tensor) -> Field | None:
        """Returns a tensor's field; None where it is unknown or the tensor does not depend on the input."""
        return self._fields.get(tensor)

    def _follow(self, operation: Any, arguments: Sequence[Any], options: dict[str, Any], result: Any) -> None:
        """Notes the field of what an operation of aten made of its arguments."""
        sources = [leaf for leaf in tree_leaves((arguments, options)) if isinstance(leaf, Tensor)]
        sources = [leaf for leaf in sources if leaf in self._fields]
        if not sources:
            return
        fields = [self._fields[source] for source in sources]
        outcome = None
        if None not in fields:
            step = Step(fields, sources, arguments, result, self._picture)
            rule = RULES.get(operation.overloadpacket)
            if rule is not None:
                outcome = rule(step)
            elif torch.Tag.pointwise in operation.tags:
                outcome = _number_by_number(step)
            if outcome is None and all(field.fixed for field in fields):
                outcome = _unite(step, 1, 1)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._fields[leaf] = outcome
                if operation._schema.is_mutable and leaf._base is not None:
                    # A part of a larger tensor was written to, which now holds numbers of different fields.
                    self._fields[leaf._base] = None


Rule = Callable[[Step], Field | None]


def _unite(step: Step, height: int, width: int) -> Field | None:
    """Unites fields of arguments that are combined number by number into a map of height × width."""
    united = _settled(step.field, step.source)
    for field, source in zip(step.fields[1:], step.sources[1:], strict=True):
        other = _settled(field, source)
        tall = united.height.unite(other.height, height, step.picture[0])
        wide = united.width.unite(other.width, width, step.picture[1])
        if tall is None or wide is None:
            return None
        united = Field(tall, wide)
    return united


def _settled(field: Field, source: Tensor) -> Field:
    """Drops the jump of an axis with a single position: there is nothing to jump to."""
    if source.ndim < 2:
        return field
    height, width = (
        Interval(0, axis.first, axis.last) if size == 1 else axis
        for axis, size in zip((field.height, field.width), source.shape[-2:], strict=True)
    )
    return field if field.fixed else Field(height, width)


def _number_by_number(step: Step) -> Field | None:
    shape = step.result.shape if isinstance(step.result, Tensor) else step.result[0].shape
    if len(shape) < 2:
        return _unite(step, 1, 1) if all(field.fixed for field in step.fields) else None
    if any(
        not field.fixed and source.ndim != len(shape) for field, source in zip(step.fields, step.sources, strict=True)
    ):
        return None
    return _unite(step, shape[-2], shape[-1])


def _same(step: Step) -> Field | None:
    return step.field if len(step.fields) == 1 else None


def _convolution(step: Step) -> Field | None:
    images_NCHW, weight, _, stride, padding, dilation, transposed = step.arguments[:7]
    if len(step.fields) > 1 or images_NCHW.ndim != 4 or transposed:
        return None
    return _window(step.field, weight.shape[2:], stride, padding, dilation)


def _average_pooling(step: Step) -> Field | None:
    return _pooling(step, dilation=(1, 1))


def _max_pooling(step: Step) -> Field | None:
    return _pooling(step, dilation=step.arguments[4] if len(step.arguments) > 4 else (1, 1))


def _pooling(step: Step, dilation: Sequence[int]) -> Field:
    kernel, *rest = step.arguments[1:4]
    stride = rest[0] if rest and rest[0] else kernel
    padding = rest[1] if len(rest) > 1 else (0, 0)
    return _window(step.field, kernel, stride, padding, dilation)


def _window(
    field: Field, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> Field:
    kernel, stride, padding, dilation = (
        (tuple(pair) * 2)[:2] if len(pair) == 1 else pair for pair in (kernel, stride, padding, dilation)
    )
    height, width = (
        axis.windows(kernel[at], stride[at], padding[at], dilation[at])
        for at, axis in enumerate((field.height, field.width))
    )
    return Field(height, width)


def _adaptive_pooling(step: Step) -> Field | None:
    size_in, size_out = step.source.shape[-2:], step.arguments[1]
    if any(before % after for before, after in zip(size_in, size_out, strict=True)):
        return None
    kernel = [before // after for before, after in zip(size_in, size_out, strict=True)]
    return _window(step.field, kernel, kernel, (0, 0), (1, 1))


def _padding(step: Step) -> Field | None:
    pads = list(step.arguments[1])
    if any(pads[4:]):
        return step.field
    left, top = pads[0], pads[2] if len(pads) > 2 else 0
    return _window(step.field, (1, 1), (1, 1), (top, left), (1, 1))


def _reduction(step: Step) -> Field | None:
    rank = step.source.ndim
    axes = step.arguments[1] if len(step.arguments) > 1 else None
    reduced = {axis % rank for axis in axes} if axes else set(range(rank))
    if {rank - 2, rank - 1} <= reduced and not step.field.fixed:
        return step.field.everywhere(*step.source.shape[-2:])
    return step.field if step.field.fixed or not {rank - 2, rank - 1} & reduced else None


def _statistics(step: Step) -> Field | None:
    """Norms whose mean and variance come from the picture itself: every number sees what any sees."""
    return step.field.everywhere(*step.source.shape[-2:]) if step.source.ndim == 4 else None


def _batch_norm(step: Step) -> Field | None:
    in_training = step.arguments[5]
    return (_statistics if in_training else _same)(step)


def _reshaping(step: Step) -> Field | None:
    source, shape = step.source, tuple(step.result.shape)
    if step.field.fixed or (len(shape) > 2 and shape[-2:] == tuple(source.shape[-2:])):
        return step.field
    if source.ndim == 4 and len(shape) == 2 and shape[0] == source.shape[0]:
        return step.field.everywhere(*source.shape[-2:])
    return None


def _joining(step: Step) -> Field | None:
    axis = (step.arguments[1] if len(step.arguments) > 1 else 0) % step.result.ndim
    if axis >= step.result.ndim - 2 and not all(field.fixed for field in step.fields):
        return None
    return _unite(step, *(step.result.shape[-2:] if step.result.ndim > 2 else (1, 1)))


def _parting(step: Step) -> Field | None:
    """Parts along the channels keep their field: in split, chunk and slice."""
    rank = step.source.ndim
    parts = [leaf for leaf in tree_leaves(step.result) if isinstance(leaf, Tensor)]
    whole = all(part.ndim == rank and part.shape[-2:] == step.source.shape[-2:] for part in parts)
    return step.field if whole or step.field.fixed else None


def _named(rule: Rule, *names: str) -> dict[Any, Rule]:
    return {getattr(aten, name): rule for name in names if hasattr(aten, name)}


RULES: dict[Any, Rule] = {
    **_named(_convolution, "convolution", "_convolution"),
    **_named(_average_pooling, "avg_pool2d"),
    **_named(_max_pooling, "max_pool2d", "max_pool2d_with_indices", "mkldnn_max_pool2d"),
    **_named(_adaptive_pooling, "_adaptive_avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
    **_named(_padding, "constant_pad_nd"),
    **_named(_reduction, "mean", "sum", "amax", "amin"),
    **_named(_statistics, "native_group_norm"),
    **_named(_batch_norm, "native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit"),
    **_named(_same, "_native_batch_norm_legit_no_training", "clone", "detach", "alias", "_to_copy", "contiguous"),
    **_named(_reshaping, "view", "_unsafe_view", "reshape"),
    **_named(_joining, "cat", "stack"),
    **_named(_parting, "split", "split_with_sizes", "slice", "chunk"),
}
"""What each operation does to fields; operations that work number by number carry torch's own tag for it."""
