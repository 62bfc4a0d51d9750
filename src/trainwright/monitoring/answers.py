"""What a net answers about pictures that stay the same, summed up in one walk over them.

Legend: N pictures, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trainwright.runs import AnswersRecord

from .pictures import Pictures, are_classes, class_counts, input_statistics
from .readings import Readings

MOST_CLASSES = 100
"""Classes up to which a confusion table is told; see `AnswersRecord`."""

LossOf = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Asked:
    """Who is asked: step and epoch, the part, and the net's mode."""

    step: int
    epoch: int
    part: Literal["train", "valid"]
    mode: Literal["train", "eval"]


class AnswerSums:
    """Sums up answers, chunk by chunk.

    Args:
        classes: number of classes, None where the task is another.
        loss_of: the loss where there are no classes; None where nobody knows it.
    """

    def __init__(self, classes: int | None, loss_of: LossOf | None) -> None:
        self.classes = classes
        self.loss_of = loss_of
        self.losses_N: list[Tensor] = []
        self.given: list[Tensor] = []
        self.right: list[Tensor] = []
        self.cells: list[Tensor] = []
        self.bounds: list[Tensor] = []
        self.pictures = 0

    def add(self, outputs: Tensor, asked: Pictures) -> None:
        """Adds the answers about some pictures."""
        outputs, labels = outputs.detach().float(), asked.labels
        self.pictures += len(asked)
        sums_N = outputs.flatten(1).sum(1) if outputs.ndim > 1 else outputs
        self.bounds.append(torch.stack([*outputs.aminmax(), *sums_N.aminmax()]))
        if labels is None:
            return
        if self.classes is not None and are_classes(labels) and outputs.ndim == 2:
            self._classified(outputs, labels.long(), outputs.shape[1])
        elif self.loss_of is not None:
            self.given.append(self.loss_of(outputs, labels).detach().float().mean() * len(asked))

    def _classified(self, scores_NK: Tensor, labels_N: Tensor, classes: int) -> None:
        known_N = (labels_N >= 0) & (labels_N < classes)
        inside_N = labels_N.clamp(0, classes - 1)
        losses_N = -scores_NK.log_softmax(1).gather(1, inside_N[:, None])[:, 0]
        self.losses_N.append(torch.where(known_N, losses_N, math.nan))
        called_N = scores_NK.argmax(1)
        self.right.append(((called_N == labels_N) & known_N).sum())
        if classes <= MOST_CLASSES:
            cells_N = torch.where(known_N, inside_N * classes + called_N, -1)
            self.cells.append(class_counts(cells_N, classes * classes))

    def read(self, name: str, readings: Readings, inputs: Pictures) -> None:
        """Puts what is to be told into readings, still on the device."""
        if self.bounds:
            rows = torch.stack(self.bounds)
            low, high = rows.amin(0), rows.amax(0)
            readings.add(f"{name}/bounds", torch.stack([low[0], high[1], low[2], high[3]]))
        if self.losses_N:
            readings.add(f"{name}/losses", torch.cat(self.losses_N))
            readings.add(f"{name}/right", torch.stack(self.right).sum())
            if self.cells:
                readings.add(f"{name}/cells", torch.stack(self.cells).sum(0))
        elif self.given:
            readings.add(f"{name}/given", torch.stack(self.given).sum() / self.pictures)
        for kind, number in input_statistics(inputs.images_NCHW).items():
            readings.add(f"{name}/{kind}", number)

    def record(
        self,
        name: str,
        asked: Asked,
        fetched: Mapping[str, list[float]],
        *,
        inputs_id: str | None = None,
        cost_s: float = 0.0,
    ) -> AnswersRecord:
        """Makes the record from fetched readings."""
        losses, given = fetched.get(f"{name}/losses"), fetched.get(f"{name}/given")
        loss = given[0] if given else None
        error = accuracy = None
        if losses:
            loss = sum(losses) / len(losses)
            spread = math.sqrt(sum((one - loss) ** 2 for one in losses) / max(1, len(losses) - 1))
            error = spread / math.sqrt(len(losses))
            accuracy = fetched[f"{name}/right"][0] / len(losses)
        cells = [int(count) for count in fetched.get(f"{name}/cells", ())]
        classes = math.isqrt(len(cells))
        bounds = fetched.get(f"{name}/bounds") or [None] * 4
        low, high = fetched.get(f"{name}/input_low"), fetched.get(f"{name}/input_high")
        single = losses if losses and (asked.part, asked.mode) == ("train", "eval") else []
        return AnswersRecord(
            step=asked.step,
            epoch=asked.epoch,
            part=asked.part,
            mode=asked.mode,
            pictures=self.pictures,
            loss=loss,
            loss_error=error,
            accuracy=accuracy,
            confusion_KK=tuple(tuple(cells[row * classes : (row + 1) * classes]) for row in range(classes)),
            losses=tuple(round(one, 3) for one in single),
            output_low=bounds[0],
            output_high=bounds[1],
            sum_low=bounds[2],
            sum_high=bounds[3],
            input_mean=tuple(fetched.get(f"{name}/input_mean", ())),
            input_deviation=tuple(fetched.get(f"{name}/input_deviation", ())),
            input_low=low[0] if low else None,
            input_high=high[0] if high else None,
            inputs_id=inputs_id,
            cost_s=cost_s,
        )
