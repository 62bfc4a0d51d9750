"""Looks at a net through sets of pictures that stay the same: its units, and its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models import evaluating
from trainwright.runs import AnswersRecord, UnitsRecord, WatchedLayer
from trainwright.training import unmoved

from .answers import AnswerSums, Asked, LossOf
from .layers import Called, Names, first_tensor, walking
from .pictures import MOST_PICTURES, Pictures, are_classes
from .readings import Readings
from .structure import is_affine
from .units import NetSums, unit_columns

CHUNK = 128
"""Pictures that go through the net at once in evaluation; own choice."""

AFFINE_PICTURES = 8


class Looks:
    """Asks a net about its sets of pictures, and leaves it as it was.

    Args:
        model: without wrappers.
        forward: how to call it, in the mode that it is in.
        batch_size: of training, for batch statistics.
    """

    def __init__(
        self,
        model: nn.Module,
        forward: Callable[[Tensor], Tensor] | None,
        probe: Pictures | None,
        valid: Pictures | None,
        *,
        loss_of: LossOf | None,
        classes: int | None,
        batch_size: int | None,
    ) -> None:
        self.model = model
        self.forward = forward or model
        self.loss_of = loss_of
        self.classes = classes
        self.batch_size = batch_size or CHUNK
        self.affine: bool | None = None
        self.dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
        self.layers: tuple[WatchedLayer, ...] = ()
        self.normalized: frozenset[str] = frozenset()
        device = next(model.parameters()).device
        self.probe = None if probe is None else probe.first(MOST_PICTURES).to(device)
        self.valid = None if valid is None else valid.first(MOST_PICTURES).to(device)
        self.ids = {id(part): part.identity for part in (self.probe, self.valid) if part is not None}

    def get_to_know(self) -> None:
        """Finds the layers in the order in which the net calls them, and what kind of map it is.

        Raises:
            InputError: the net cannot take the pictures.
        """
        shown = self.valid if self.probe is None else self.probe
        if shown is None:
            return
        few, names = shown.first(AFFINE_PICTURES), Names()
        with unmoved(self.model), evaluating(self.model), torch.no_grad():
            try:
                with walking(self.model, names.look, names.normalized.add):
                    outputs = self._answer(self.forward(few.images_NCHW))
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                raise InputError(
                    "the model cannot take the fixed pictures that it is to be watched with",
                    expected="pictures as the model gets them in training, along the first axis",
                    got=f"{tuple(shown.images_NCHW.shape)} {shown.images_NCHW.dtype}: {str(error).splitlines()[0]}",
                    where=type(self.model).__name__,
                ) from error
            self.affine = is_affine(lambda images: self._answer(self.forward(images)), few.images_NCHW)
        self.layers, self.normalized = names.watched(), frozenset(names.normalized)
        self.dtype = str(outputs.dtype).removeprefix("torch.")
        if self.classes is None and outputs.ndim == 2 and outputs.shape[1] > 1 and are_classes(shown.labels):
            self.classes = outputs.shape[1]

    def look(
        self, step: int, epoch: int, modes: Sequence[bool] | None, unfed: Sequence[float | None]
    ) -> tuple[UnitsRecord | None, list[AnswersRecord]]:
        """Looks at everything.

        Args:
            modes: of all modules in training; None for training mode.
            unfed: for each layer, from the last step that was looked at.
        """
        units: UnitsRecord | None = None
        answers: list[AnswersRecord] = []
        if self.probe is not None:
            began = time.perf_counter()
            sums, readings = NetSums(self.layers), Readings()
            asked, answered = self._ask(self.probe, Asked(step, epoch, "train", "eval"), readings, sums)
            sums.read(readings)
            fetched = readings.fetch()
            took_s = time.perf_counter() - began
            identity = self.ids[id(self.probe)]
            answers.append(answered.record("answers", asked, fetched, inputs_id=identity, cost_s=took_s))
            columns = unit_columns(self.layers, fetched)
            units = UnitsRecord(
                step=step, epoch=epoch, pictures=len(self.probe), unfed=tuple(unfed), cost_s=took_s, **vars(columns)
            )
            if len(self.probe) > 1:
                answers.append(self._answers(self.probe, Asked(step, epoch, "train", "train"), modes))
        if self.valid is not None:
            answers.append(self._answers(self.valid, Asked(step, epoch, "valid", "eval"), None))
        return units, answers

    def _answers(self, pictures: Pictures, asked: Asked, modes: Sequence[bool] | None) -> AnswersRecord:
        began, readings = time.perf_counter(), Readings()
        asked, answered = self._ask(pictures, asked, readings, None, modes)
        fetched = readings.fetch()
        took_s = time.perf_counter() - began
        return answered.record("answers", asked, fetched, inputs_id=self.ids[id(pictures)], cost_s=took_s)

    def _ask(
        self,
        pictures: Pictures,
        asked: Asked,
        readings: Readings,
        sums: NetSums | None,
        modes: Sequence[bool] | None = None,
    ) -> tuple[Asked, AnswerSums]:
        training = asked.mode == "train"
        answered = AnswerSums(self.classes, self.loss_of)
        with (
            unmoved(self.model),
            nullcontext() if training else evaluating(self.model),
            torch.no_grad(),
        ):
            if training:
                self._train(modes)
            # Nearly equal batches, since what normalizes by the batch cannot do so by a single picture.
            even = -(-len(pictures) // max(1, len(pictures) // max(2, self.batch_size)))
            for part in pictures.chunks(even if training else CHUNK):
                if training and len(part) < 2:
                    continue
                if sums is not None:
                    sums.pictures = len(part)
                outputs = self._through(part, None if sums is None else sums.look)
                answered.add(outputs, part)
        answered.read("answers", readings, pictures)
        return asked, answered

    def _train(self, modes: Sequence[bool] | None) -> None:
        """Sets the mode of every module to what it is in training."""
        self.model.train()
        if modes is not None and any(modes):
            for module, training in zip(self.model.modules(), modes, strict=True):
                module.training = training

    def _through(self, part: Pictures, look: Callable[[Called], None] | None) -> Tensor:
        if look is None:
            return self._answer(self.forward(part.images_NCHW))
        with walking(self.model, look):
            return self._answer(self.forward(part.images_NCHW))

    def _answer(self, outputs: object) -> Tensor:
        tensor = first_tensor(outputs)
        if tensor is None:
            raise TypeError(f"the model answers with {type(outputs).__name__}, in which there is no tensor")
        return tensor
