"""Validation of a net in a loop that is not ours, without a trace in that loop.

Legend: N pictures of a batch, P of the whole set, K outputs.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.errors import InputError
from trainwright.models import evaluating
from trainwright.runs import AnswersRecord

from .seen_pictures import SeenPictures

MOST_CLASSES = 100
"""Up to which a confusion table is kept."""

LossOf = Callable[[Any, Any], Tensor]


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What `validate` measured.

    Attributes:
        loss: mean of the given loss over pictures, else cross-entropy in nats; None where neither can be had.
        accuracy: None where outputs are not scores of classes.
        pictures: that were judged.
    """

    loss: float | None
    accuracy: float | None
    pictures: int


@dataclass
class _Sums:
    """What is added up over batches."""

    pictures: int = 0
    given_loss: float = 0.0
    losses_P: list[Tensor] = field(default_factory=list[Tensor])
    confusion_KK: Tensor | None = None
    outputs: list[tuple[float, float, float, float]] = field(default_factory=list[tuple[float, float, float, float]])
    channel_sums: Tensor = field(default_factory=lambda: torch.zeros(1, dtype=torch.float64))
    channel_squares: Tensor = field(default_factory=lambda: torch.zeros(1, dtype=torch.float64))
    numbers: int = 0
    low: float = math.inf
    high: float = -math.inf
    checksum: int = 0
    shared: int = 0


def validated(
    model: nn.Module,
    loader: Iterable[Any],
    *,
    step: int,
    epoch: int,
    loss_of: LossOf | None,
    forward: Callable[[Any], Any] | None,
    seen: SeenPictures | None,
) -> tuple[Validation, AnswersRecord]:
    """Asks a net about all pictures of a loader, in evaluation mode, and gives modules the modes back that they had.

    Args:
        model: on its device, in any mode.
        loader: gives pairs of inputs and labels.
        step, epoch: of the loop, as it stands.
        loss_of: (outputs, labels) → scalar, the mean over pictures.
        forward: asks the net another way than by calling it with the inputs.
        seen: pictures of training batches, to be found again; None where nobody kept them.

    Raises:
        InputError: the loader gives nothing, or something else than pairs of tensors.
    """
    began, sums = time.perf_counter(), _Sums()
    device = next(model.parameters()).device
    with torch.no_grad(), evaluating(model):
        for images_NCHW, labels_N in pairs(loader):
            if seen is not None:
                sums.shared += seen.found(images_NCHW)
            images_NCHW, labels_N = images_NCHW.to(device), labels_N.to(device)
            outputs = answer_of(model(images_NCHW) if forward is None else forward(images_NCHW))
            _add_inputs(sums, images_NCHW)
            _add_outputs(sums, outputs, labels_N, loss_of)
            sums.pictures += len(labels_N)
    if not sums.pictures:
        raise InputError("the validation loader gives no batch", expected="pairs of inputs and labels", where="loader")
    record = _record(sums, step, epoch, None if seen is None else sums.pictures, time.perf_counter() - began, loss_of)
    given = sums.given_loss / sums.pictures if loss_of is not None else None
    loss = given if given is not None else record.loss
    return Validation(loss=loss, accuracy=record.accuracy, pictures=sums.pictures), record


def pairs(loader: Iterable[Any]) -> Iterator[tuple[Tensor, Tensor]]:
    """Takes batches apart.

    Raises:
        InputError: a batch is no pair of tensors of the same length.
    """
    for batch in loader:
        parts = list(batch) if isinstance(batch, list | tuple) else []
        if len(parts) < 2 or not all(isinstance(part, Tensor) and part.ndim for part in parts[:2]):
            kinds = [type(part).__name__ for part in parts] or [type(batch).__name__]
            raise InputError(
                "a batch is no pair of inputs and labels",
                expected="(inputs, labels), both tensors",
                got=", ".join(kinds),
                where="loader",
            )
        if len(parts[0]) != len(parts[1]):
            raise InputError(
                "a batch has not as many labels as inputs",
                got=f"{len(parts[0])} inputs and {len(parts[1])} labels",
                where="loader",
            )
        yield parts[0], parts[1]


def classifies(outputs: Any, labels: Any) -> bool:
    """Tells whether outputs are scores of classes, N K, and labels their numbers, N."""
    if not isinstance(outputs, Tensor) or not isinstance(labels, Tensor) or outputs.ndim != 2 or labels.ndim != 1:
        return False
    return outputs.shape[1] > 1 and len(outputs) == len(labels) and labels.dtype in (torch.int64, torch.int32)


def answer_of(outputs: Any) -> Any:
    """Takes the scores out of the answer of a net that answers with several things, as those of transformers do."""
    return getattr(outputs, "logits", outputs)


def _add_inputs(sums: _Sums, images_NCHW: Tensor) -> None:
    """Adds up the numbers of a batch by channel (dimension 1), or all together where there is none."""
    sums.checksum = zlib.crc32(images_NCHW.cpu().contiguous().view(torch.uint8).numpy().tobytes(), sums.checksum)
    if not images_NCHW.is_floating_point() or not images_NCHW.numel():
        return
    numbers = images_NCHW.float()
    channels_CM = numbers.movedim(1, 0).flatten(1) if numbers.ndim > 2 else numbers.reshape(1, -1)
    deviation_C, mean_C = (one.double().cpu() for one in torch.std_mean(channels_CM, dim=1, correction=0))
    count, low_high = channels_CM.shape[1], torch.stack(numbers.aminmax()).tolist()
    sums.channel_sums = sums.channel_sums + count * mean_C
    sums.channel_squares = sums.channel_squares + count * (deviation_C.square() + mean_C.square())
    sums.numbers += count
    sums.low, sums.high = min(sums.low, low_high[0]), max(sums.high, low_high[1])


def _add_outputs(sums: _Sums, outputs: Any, labels_N: Tensor, loss_of: LossOf | None) -> None:
    if loss_of is not None:
        sums.given_loss += float(loss_of(outputs, labels_N)) * len(labels_N)
    if not isinstance(outputs, Tensor) or not outputs.ndim:
        return
    rows = outputs.float().reshape(len(outputs), -1)
    totals = rows.sum(dim=1)
    bounds = torch.stack([rows.min(), rows.max(), totals.min(), totals.max()]).tolist()
    sums.outputs.append((bounds[0], bounds[1], bounds[2], bounds[3]))
    if not classifies(outputs, labels_N):
        return
    counted_N = (labels_N >= 0) & (labels_N < rows.shape[1])  # others are left out of the loss
    rows, labels_N = rows[counted_N], labels_N[counted_N].long()
    sums.losses_P.append(F.cross_entropy(rows, labels_N, reduction="none").double().cpu())
    classes = rows.shape[1]
    pairs_N = (labels_N * classes + rows.argmax(dim=1)).cpu()
    counts_KK = torch.bincount(pairs_N, minlength=classes**2).reshape(classes, classes)
    sums.confusion_KK = counts_KK if sums.confusion_KK is None else sums.confusion_KK + counts_KK


def _record(
    sums: _Sums, step: int, epoch: int, shared_of: int | None, cost_s: float, loss_of: LossOf | None
) -> AnswersRecord:
    loss = error = accuracy = None
    confusion: tuple[tuple[int, ...], ...] = ()
    losses_P = torch.cat(sums.losses_P) if sums.losses_P else torch.zeros(0)
    if len(losses_P) and sums.confusion_KK is not None:
        loss = losses_P.mean().item()
        error = (losses_P.std() / math.sqrt(len(losses_P))).item() if len(losses_P) > 1 else None
        accuracy = sums.confusion_KK.trace().item() / len(losses_P)
        if len(sums.confusion_KK) <= MOST_CLASSES:
            confusion = tuple(tuple(row) for row in sums.confusion_KK.tolist())
    elif loss_of is not None:
        loss = sums.given_loss / sums.pictures
    mean = sums.channel_sums / sums.numbers
    deviation = (sums.channel_squares / sums.numbers - mean.square()).clamp(min=0).sqrt()
    low, high, sum_low, sum_high = zip(*sums.outputs, strict=True) if sums.outputs else ((), (), (), ())
    return AnswersRecord(
        step=step,
        epoch=epoch,
        part="valid",
        mode="eval",
        pictures=sums.pictures,
        loss=loss,
        loss_error=error,
        accuracy=accuracy,
        confusion_KK=confusion,
        output_low=min(low, default=None),
        output_high=max(high, default=None),
        sum_low=min(sum_low, default=None),
        sum_high=max(sum_high, default=None),
        input_mean=tuple(mean.tolist()) if sums.numbers else (),
        input_deviation=tuple(deviation.tolist()) if sums.numbers else (),
        input_low=sums.low if sums.numbers else None,
        input_high=sums.high if sums.numbers else None,
        inputs_id=f"{sums.checksum:08x}-{sums.pictures}",
        shared=None if shared_of is None else sums.shared,
        shared_of=shared_of,
        cost_s=cost_s,
    )
