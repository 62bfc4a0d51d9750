"""Watches a net while it learns, whosever loop it is, and tells what it measures as records."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwright.runs import Record, WatchRecord
from trainwright.training import Seen

from .answers import LossOf
from .cadence import Cadence
from .looks import Looks
from .pictures import Pictures, are_classes, class_counts
from .probing import Around, probe_record
from .stepping import Stepping
from .tensors import parameters_of, settings_of, strangers, unwrapped, watched_tensors


class Monitor:
    """Sees every step, looks closely at some of them, and now and then at the units and answers of the net.

    It changes nothing that training goes on with. Call `begin` before the first step, `step` after each step of the
    optimizer, `epoch` after each epoch, `finish` at the end and `close` always.

    Args:
        model: also wrapped by torch.compile, DataParallel or DistributedDataParallel.
        optimizer: whose steps are watched.
        tell: gets the records.
        probe: clean training pictures as the net sees them in evaluation; at most 512 are used.
        valid: validation pictures, likewise.
        loss_of: (outputs, labels) → a scalar, the mean over pictures.
        classes: number of classes; None finds it out from the probe set.
        batch_size: pictures a step.
        steps_planned: steps of the whole training.
        start_step: steps that were made before.
        share: of training time that looking may take after the first steps.
        first_steps: are all looked at.
        forward: how the net is called on the sets of pictures; None calls it with them alone.
        missing: names of what nobody gave.
        scaler: scales the loss for float16.
        guarded: makes a context in which nothing that goes wrong within a step of the optimizer reaches it.

    Raises:
        InputError: a model without parameters, or with some that are made at its first call.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        tell: Callable[[Record], None],
        probe: Pictures | None = None,
        valid: Pictures | None = None,
        loss_of: LossOf | None = None,
        classes: int | None = None,
        batch_size: int | None = None,
        steps_planned: int | None = None,
        start_step: int = 0,
        share: float = 0.04,
        first_steps: int = 4,
        forward: Callable[[Tensor], Tensor] | None = None,
        missing: Sequence[str] = (),
        scaler: torch.amp.GradScaler | None = None,
        guarded: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.model = unwrapped(model)
        self.optimizer = optimizer
        self.tell = tell
        self.parameters = parameters_of(self.model)
        self.loss_of = loss_of
        self.steps_planned = steps_planned
        self.missing = tuple(missing)
        self.looks = Looks(self.model, forward, probe, valid, loss_of=loss_of, classes=classes, batch_size=batch_size)
        self.batch_size = batch_size
        self.cadence = Cadence(first_steps, share, start_step)
        self.made = start_step
        self.stepping: Stepping | None = None
        self.scaler = scaler
        self.guarded = guarded
        self._modes: list[bool] | None = None
        self._trained_in: set[Literal["train", "eval"]] = set()
        self._looked_at: int | None = None
        self._sets_cost_s = 0.0
        self._left = time.perf_counter()

    def begin(self, epoch: int = 0) -> None:
        """Says what is watched, and looks at units and answers before the first step.

        Args:
            epoch: the last one that was made before.

        Raises:
            InputError: the model cannot take the pictures of the sets.
        """
        self.looks.get_to_know()
        tensors = watched_tensors(self.model, self.parameters, self.optimizer, self.looks.normalized)
        self.stepping = Stepping(
            self.parameters,
            self.optimizer,
            due=self._due,
            sketched=lambda: self.cadence.close,
            absorbed={tensor.name for tensor in tensors if tensor.kind == "bias" and tensor.normalized},
            scaler=self.scaler,
            guarded=self.guarded,
        )
        shown = self.looks.probe
        labels, classes = None if shown is None else shown.labels, self.looks.classes
        counts = () if labels is None or classes is None or not are_classes(labels) else class_counts(labels, classes)
        self.tell(
            WatchRecord(
                step=self.made,
                tensors=tensors,
                layers=self.looks.layers,
                optimizer=type(self.optimizer).__name__,
                settings=settings_of(self.optimizer),
                strangers=strangers(self.parameters, self.optimizer),
                classes=classes,
                class_counts=tuple(int(count) for count in counts),
                batch_size=self.batch_size,
                steps_planned=self.steps_planned,
                probe_pictures=0 if shown is None else len(shown),
                affine=self.looks.affine,
                dtype=self.looks.dtype,
                missing=self.missing,
            )
        )
        self._look(self.made, epoch)
        self._left = time.perf_counter()

    def step(self, step: int, epoch: int, seen: Seen) -> None:
        """Looks after a step of the optimizer, closely where it is due."""
        entered, stepping = time.perf_counter(), self.stepping
        assert stepping is not None, "begin comes before step"
        self.cadence.stepped(entered - self._left - stepping.cost_s)
        self._trained_in.add("train" if self.model.training else "eval")
        self.made = step
        if stepping.seen():
            self._modes = [module.training for module in self.model.modules()]
            around = Around(self.model, self.looks.forward, self.loss_of, self.looks.classes, self.cadence.close)
            record = probe_record(step, epoch, seen, stepping, around)
            cost_s = stepping.cost_s + time.perf_counter() - entered
            step_s = self.cadence.step_s
            every = self.cadence.probed(step, cost_s)
            mode = "both" if len(self._trained_in) == 2 else next(iter(self._trained_in))
            self.tell(replace(record, mode=mode, every=every, cost_s=cost_s, step_s=step_s))
            self._trained_in = set()
        stepping.begin_anew()
        self._left = time.perf_counter()

    def epoch(self, step: int, epoch: int) -> None:
        """Looks at units and answers after an epoch, where their share of the time allows it, and after the last."""
        last = self.steps_planned is not None and step >= self.steps_planned
        if last or self.cadence.affords_sets(self._sets_cost_s):
            self._look(step, epoch)
        self._left = time.perf_counter()

    def go_on(self) -> None:
        """Counts time anew from here: what took it since the last call belongs to no step."""
        self._left = time.perf_counter()

    def finish(self, step: int, epoch: int) -> None:
        """Looks at units and answers for the last time, if that was not done after this step already."""
        self._look(step, epoch)

    def close(self) -> None:
        """Takes all hooks off, and lets go of what goes around: nothing keeps a net alive that is watched no more."""
        if self.stepping is not None:
            self.stepping.close()
        self.stepping = None

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _due(self) -> bool:
        return self.cadence.due(self.made + 1)

    def _look(self, step: int, epoch: int) -> None:
        if self._looked_at == step:
            return
        began, first = time.perf_counter(), self._looked_at is None
        unfed = [None] * len(self.looks.layers) if self.stepping is None else self.stepping.unfed_of(self.looks.layers)
        units, answers = self.looks.look(step, epoch, self._modes, unfed)
        for record in (units, *answers):
            if record is not None:
                self.tell(record)
        self._looked_at, self._sets_cost_s = step, time.perf_counter() - began
        if not first:
            self.cadence.looked_at_sets(self._sets_cost_s)
