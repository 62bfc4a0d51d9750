"""Epochs of a loop that is not ours: what is added up over their steps, and the records of their ends."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Literal

import psutil
import torch
from torch import Tensor

from trainwright.runs import AnswersRecord, EpochRecord, StepRecord

BUNCH = 64
"""Losses that wait on a device to be fetched together, at most."""


class Losses:
    """Steps whose losses still lie on a device; they are fetched in bunches, since each fetching holds it up."""

    def __init__(self) -> None:
        self._steps: list[StepRecord] = []
        self._on_device: list[Tensor] = []

    def add(self, step: StepRecord, loss: float | Tensor) -> None:
        """Takes a step in, with its loss on whatever device."""
        if not isinstance(loss, Tensor):
            self._on_device += [torch.tensor(loss, dtype=torch.float64)]
        else:
            self._on_device += [loss]
        self._steps += [step]

    @property
    def full(self) -> bool:
        """Whether so many wait that it is time to fetch them."""
        return len(self._steps) >= BUNCH

    def fetch(self) -> list[StepRecord]:
        """Hands the steps over with their losses, in order."""
        if not self._steps:
            return []
        losses = torch.stack([loss.double() for loss in self._on_device]).cpu()
        told = [replace(step, loss=float(loss)) for step, loss in zip(self._steps, losses, strict=True)]
        self._steps, self._on_device = [], []
        return told


class Epochs:
    """Adds up losses, pictures and seconds of an epoch.

    The share of waiting is that between the end of a step and the net's next call, which holds whatever the loop does
    there; on CUDA it is unknown, since the device works on meanwhile.

    Args:
        device: that the net lies on.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.done = 0
        self.train_time_s = 0.0
        self._best: tuple[float, int] | None = None
        self.begin()

    def begin(self) -> None:
        """Begins the next epoch."""
        self._began = self._told = time.perf_counter()
        self._losses: list[float] = []
        self.steps = 0
        self._pictures = 0
        self._waited_s = 0.0

    @property
    def now(self) -> int:
        """The epoch that goes on, counted from 1."""
        return self.done + 1

    @property
    def best_epoch(self) -> int:
        """The epoch with the best validation; 0 where there is none."""
        return 0 if self._best is None else self._best[1]

    def loss(self, loss: float) -> None:
        """Adds the loss of a step."""
        self._losses.append(loss)

    def step(self, pictures: int, called_at: float | None) -> int:
        """Adds a step, and gives the number of its epoch.

        Args:
            pictures: of its batch, 0 where nobody knows.
            called_at: when the net was first called for it, on the clock of `time.perf_counter`.
        """
        self.steps += 1
        self._pictures += pictures
        if called_at is not None:
            self._waited_s += max(0.0, called_at - self._told)
        return self.now

    def go_on(self) -> None:
        """Notes when the loop has its turn again."""
        self._told = time.perf_counter()

    def close(
        self,
        step: int,
        rate: float,
        *,
        train_accuracy: float | None = None,
        valid_loss: float | None = None,
        valid_accuracy: float | None = None,
    ) -> EpochRecord:
        """Ends the epoch; what came after its last step was its validation."""
        now, train_time_s = time.perf_counter(), self._told - self._began
        self.done += 1
        self.train_time_s += now - self._began
        record = EpochRecord(
            epoch=self.done,
            step=step,
            learning_rate=rate,
            train_loss=math.fsum(self._losses) / len(self._losses) if self._finite else math.nan,
            train_accuracy=train_accuracy,
            valid_loss=valid_loss,
            valid_accuracy=valid_accuracy,
            best=self._is_best(valid_loss, valid_accuracy),
            train_time_s=train_time_s,
            valid_time_s=now - self._told,
            pictures_per_s=self._pictures / train_time_s if self._pictures else math.nan,
            data_wait_share=math.nan if self._device.type == "cuda" else min(1.0, self._waited_s / train_time_s),
            memory_mib=_memory_mib(self._device),
        )
        self.steps = 0
        return record

    @property
    def _finite(self) -> bool:
        return all(map(math.isfinite, self._losses))

    def _is_best(self, loss: float | None, accuracy: float | None) -> bool:
        score = accuracy if accuracy is not None else None if loss is None else -loss
        if score is None or math.isnan(score) or (self._best is not None and score <= self._best[0]):
            return False
        self._best = score, self.done
        return True


def _memory_mib(device: torch.device) -> float:
    """Measures the memory in use: the device's peak on CUDA, else this process's."""
    used = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss
    return used / 2**20


def answers_told(
    step: int, epoch: int, called: Literal["train", "eval"] | None, loss: float | None, accuracy: float | None
) -> AnswersRecord | None:
    """Makes a record of figures that a loop measured itself; None where it is not known in which mode, or of none.

    Args:
        called: the mode in which the net was called without gradients before.
    """
    if called is None:
        return None
    return AnswersRecord(
        step=step,
        epoch=epoch,
        part="valid",
        mode=called,
        pictures=0,
        loss=loss,
        accuracy=accuracy,
        called_in=called,
    )
