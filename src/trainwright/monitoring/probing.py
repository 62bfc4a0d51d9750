"""One training step seen from near, once it is made: the batch anew, and its halves apart.

Legend: N pictures, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwright.runs import ProbeRecord
from trainwright.training import Seen, unmoved

from .answers import LossOf
from .layers import first_tensor
from .pictures import are_classes, class_counts, input_statistics
from .stepping import Stepping


@dataclass(frozen=True)
class Around:
    """What a probe needs beside the step.

    Attributes:
        model: without wrappers.
        forward: how to call it.
        loss_of: (outputs, labels) → a scalar; None where nobody knows it.
        classes: None where the task is another.
        close: whether to look closer, at both halves of the batch.
    """

    model: nn.Module
    forward: Callable[[Tensor], Tensor]
    loss_of: LossOf | None
    classes: int | None
    close: bool


def probe_record(step: int, epoch: int, seen: Seen, stepping: Stepping, around: Around) -> ProbeRecord:
    """Measures what a step did that was looked at, in one transfer from the device."""
    readings = stepping.readings
    for name, number in ({} if seen.images_NCHW is None else input_statistics(seen.images_NCHW)).items():
        readings.add(name, number)
    if around.classes is not None and seen.labels is not None and are_classes(seen.labels):
        readings.add("labels", class_counts(seen.labels, around.classes))
    if seen.again is not None:
        # With a graph, as in the step: without one, a compiled net would be compiled once more.
        with unmoved(around.model), torch.enable_grad():
            readings.add("after", seen.again())
    if around.close:
        cosine = _half_cosine(seen, stepping, around)
        if cosine is not None:
            readings.add("halves", cosine)
    fetched = readings.fetch()
    columns = stepping.columns(fetched)
    backwards, kept, fresh, left = stepping.sentinel.told(fetched, alone=alone())
    after, halves = fetched.get("after"), fetched.get("halves")
    low, high = fetched.get("input_low"), fetched.get("input_high")
    return ProbeRecord(
        step=step,
        epoch=epoch,
        loss=seen.loss,
        learning_rate=stepping.rate,
        loss_after=after[0] if after else None,
        predicted_change=columns.predicted_change if after else None,
        gradients=columns.gradients,
        weights=columns.weights,
        updates=columns.updates,
        turns=columns.turns,
        zero_gradients=columns.zero_gradients,
        backwards=backwards,
        kept=kept,
        fresh=fresh,
        left=left,
        half_cosine=halves[0] if halves and not math.isnan(halves[0]) else None,
        input_mean=tuple(fetched.get("input_mean", ())),
        input_deviation=tuple(fetched.get("input_deviation", ())),
        input_low=low[0] if low else None,
        input_high=high[0] if high else None,
        label_counts=tuple(int(count) for count in fetched.get("labels", ())),
        sketches=columns.sketches,
    )


def _half_cosine(seen: Seen, stepping: Stepping, around: Around) -> Tensor | None:
    """Computes the cosine between the gradients of the batch's halves, at the weights after the step.

    None where the batch cannot be halved, or the loss is not known.
    """
    images_NCHW, labels, loss_of = seen.images_NCHW, seen.labels, around.loss_of
    if loss_of is None or images_NCHW is None or labels is None or len(images_NCHW) < 4:
        return None
    weights = [tensor for tensor in stepping.tensors if tensor.requires_grad]
    middle = len(images_NCHW) // 2
    stepping.sentinel.asleep = True
    try:
        with unmoved(around.model), torch.enable_grad():
            sides: list[list[Tensor]] = []
            for half in (slice(None, middle), slice(middle, 2 * middle)):
                outputs = first_tensor(around.forward(images_NCHW[half]))
                if outputs is None or not outputs.requires_grad:
                    return None
                loss = loss_of(outputs, labels[half])
                found = torch.autograd.grad(loss, weights, allow_unused=True)
                sides.append(
                    [torch.zeros_like(weight) if g is None else g for weight, g in zip(weights, found, strict=True)]
                )
    finally:
        stepping.sentinel.asleep = False
    with torch.no_grad():
        return _cosine(*sides)


def _cosine(ones: list[Tensor], others: list[Tensor]) -> Tensor:
    home = ones[0].device
    along, one, other = (
        torch.stack(
            [(left.float() * right.float()).sum().to(home) for left, right in zip(lefts, rights, strict=True)]
        ).sum()
        for lefts, rights in ((ones, others), (ones, ones), (others, others))
    )
    return along / (one.sqrt() * other.sqrt())


def alone() -> bool:
    """Says whether this process makes its steps alone."""
    shared = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not shared or torch.distributed.get_world_size() == 1
