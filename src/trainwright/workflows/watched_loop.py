"""A loop that is not ours while it is watched: it is told steps and epochs, and tells findings.

Legend: N pictures, K outputs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator, Iterable
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.monitoring import (
    Anew,
    Calls,
    Monitor,
    SeenPictures,
    Step,
    Steps,
    Validation,
    alone,
    classes_of,
    scalar,
    unwrapped,
    validated,
)
from trainwright.runs import AnswersRecord, Finding, StepRecord, WriteFailed
from trainwright.tuning import kept_generators, undisturbed

from .watch_epochs import Epochs, Losses, answers_told
from .watch_log import WatchLog, say, worded
from .watch_request import Asked, described, device_of, in_ranks, number_or_none, probe_of, refuse_no_share


class Watch:
    """A loop that is being watched: a context that is told steps and epochs. Made by `watch`.

    Of several ranks the first is watched. Where watching itself goes wrong, it ends with one warning, and training
    goes on.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._net, self._device = unwrapped(asked.model), device_of(asked.model)
        self._looks = self._begun = self._broken = False
        self._log: WatchLog | None = None
        self._monitor: Monitor | None = None

    @property
    def path(self) -> Path | None:
        """The run folder; None before watching began, and on other ranks than the first."""
        return None if self._log is None else self._log.folder.path

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, the most likely cause first."""
        return () if self._log is None else self._log.findings

    @property
    def looking(self) -> bool:
        """Whether it is the watcher who calls the net now, not the loop."""
        return self._log is not None and self._calls.ours

    def begin(self) -> Self:
        """Makes the run folder and puts the hooks on, as entering the context does.

        Raises:
            InputError: the net cannot take the probe set, or a run of this name exists.
        """
        asked = self._asked
        if self._log is not None:
            raise InputError("this loop is watched already, or was", hint="call tw.watch(…) once more for another run")
        self._begun = True
        if in_ranks() and torch.distributed.get_rank() > 0:
            return self
        probe, kind = probe_of(asked), type(self._net).__name__
        self._calls = Calls(asked.model, self._device)
        self._steps = Steps(self._net, asked.optimizer, self._calls, self._guarded, self._due)
        self._anew = Anew(self._net, asked.loss_fn if alone() else None, self._calls)
        self._epochs, self._losses, self._pictures = Epochs(self._device), Losses(), SeenPictures()
        try:
            self._log = WatchLog(asked.run, kind, described(asked), asked.names, self._calls)
            with self._calls.unseen():
                self._monitor = Monitor(
                    self._net,
                    asked.optimizer,
                    tell=self._log.tell,
                    probe=probe,
                    loss_of=asked.loss_fn,
                    classes=asked.class_count,
                    steps_planned=asked.steps,
                    share=asked.share,
                    first_steps=asked.first_steps,
                    forward=asked.forward,
                    missing=asked.missing,
                    scaler=asked.scaler,
                    guarded=self._guarded,
                )
                self._monitor.begin()
        except BaseException:
            self._let_go()
            raise
        self._looks = True
        say(f"watching {kind}: {self.path}")
        return self

    def before_step(self) -> None:
        """Looks at a step that is about to be made; needed only where the optimizer gets a closure, called in there.

        Call it after backward and before the weights move.
        """
        if self._looks:
            self._steps.rehearse()

    def step(self, loss: Tensor | float, x: Tensor | None = None, y: Tensor | None = None) -> None:
        """Tells a step; call it after `optimizer.step()`.

        Args:
            loss: of the batch, a scalar.
            x: what the net was called with; seen at the call, where that was one tensor.
            y: labels as the loss got them.

        Raises:
            InputError: the loss is not one number.
        """
        if not self._looking_on():
            return
        value = scalar(loss)
        with self._guarded(), self._calls.unseen():
            self._step(value, x, y)

    def _step(self, loss: float | Tensor, x: Tensor | None, y: Tensor | None) -> None:
        assert self._log is not None
        assert self._monitor is not None
        called_at = self._calls.first_at
        step = self._steps.told()
        if step is None:
            self._log.say_once("step(…) without an optimizer step since the last one is passed over")
            return
        if not step.in_order:
            self._log.say_once("the net was called between optimizer.step() and step(…); put step(…) right after it")
        images_NCHW = x if step.call is None or step.call.images_NCHW is None else step.call.images_NCHW
        epoch = self._epochs.step(0 if images_NCHW is None else len(images_NCHW), called_at)
        self._losses.add(StepRecord(step=step.number, epoch=epoch, learning_rate=step.rate, loss=math.nan), loss)
        stepping = self._monitor.stepping
        closely = step.outputs is not None or (stepping is not None and stepping.seen())
        if closely or self._losses.full or not isinstance(loss, Tensor):
            self._tell_steps()
        number = float(loss) if closely or not isinstance(loss, Tensor) else math.nan  # nobody asks for it then
        self._learn(step, y, number)
        seen = self._anew.seen(step, x, y, number)
        if seen.images_NCHW is not None and self._pictures.wanting and epoch == 1:
            self._pictures.keep(seen.images_NCHW)
        if stepping is not None:
            stepping.cost_s += self._steps.took_s
        self._monitor.step(step.number, epoch, seen)
        self._epochs.go_on()

    def epoch(
        self,
        *,
        train_accuracy: float | None = None,
        val_loss: float | None = None,
        val_accuracy: float | None = None,
    ) -> None:
        """Ends an epoch whose figures the loop measured itself; call it after its validation.

        Args:
            train_accuracy, val_accuracy: shares from 0 to 1.
            val_loss: of the validation pictures.

        Raises:
            InputError: an accuracy is no share.
        """
        if not self._looking_on():
            return
        refuse_no_share("train_accuracy", train_accuracy)
        refuse_no_share("val_accuracy", val_accuracy)
        loss, accuracy = number_or_none(val_loss), number_or_none(val_accuracy)
        called = None if loss is None and accuracy is None else self._calls.called_in()
        answers = answers_told(self._steps.made, self._epochs.now, called, loss, accuracy)
        with self._guarded(), self._calls.unseen():
            self._end_epoch(number_or_none(train_accuracy), loss, accuracy, answers)

    def validate(self, model: nn.Module, loader: Iterable[Any], *, train_accuracy: float | None = None) -> Validation:
        """Validates a net on all pictures of a loader, and ends an epoch with that.

        The net is in evaluation mode meanwhile, without gradients. Modes and random numbers are afterwards what they
        were.

        Args:
            model: the net that is watched, or one in its place, such as a running average.
            loader: gives pairs of inputs and labels.
            train_accuracy: of the epoch, a share from 0 to 1, where the loop measured it.

        Raises:
            InputError: the loader gives nothing, or something else than pairs of tensors; an accuracy is no share.
        """
        looks, net = self._looking_on(), unwrapped(model)
        if looks:
            refuse_no_share("train_accuracy", train_accuracy)
        with kept_generators(loader), undisturbed(), self._calls.unseen() if looks else nullcontext():
            judged, answers = validated(
                net,
                loader,
                step=self._steps.made if looks else 0,
                epoch=self._epochs.now if looks else 0,
                loss_of=self._asked.loss_fn,
                forward=self._asked.forward if net is self._net else None,
                seen=self._pictures if looks and len(self._pictures) else None,
            )
        if looks:
            with self._guarded(), self._calls.unseen():
                self._end_epoch(number_or_none(train_accuracy), judged.loss, judged.accuracy, answers)
        return judged

    def end(self, error: BaseException | None = None) -> None:
        """Takes the hooks off, looks at the whole course and says where it lies, as leaving the context does.

        Args:
            error: what ended the loop, where it did not end by itself.
        """
        if self._broken:
            self._let_go()
        if not self._looks:
            return
        assert self._log is not None
        assert self._monitor is not None
        with self._guarded(), self._calls.unseen():
            self._tell_steps()
            if error is None:
                self._monitor.finish(self._steps.made, self._epochs.now)
            reason = "the loop ended" if error is None else f"the loop raised {worded(error)}"
            self._log.stop(reason, self._epochs, self._steps.made, finished=error is None)
            self._log.diagnose()
            say(f"{self._log.verdict}; to see what went on: trainwright diagnose {self.path}")
        self._let_go()

    def __enter__(self) -> Self:
        return self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)

    def _looking_on(self) -> bool:
        """Says whether what the loop tells is wanted; takes the hooks off where watching has gone wrong.

        Raises:
            InputError: watching has not begun.
        """
        if not self._begun:
            raise InputError("watching has not begun", hint="with tw.watch(…) as w: …, or w = tw.watch(…).begin()")
        if self._broken:
            self._let_go()
        return self._looks

    def _due(self) -> bool:
        """Says whether the next step is one that is looked at."""
        stepping = None if self._monitor is None else self._monitor.stepping
        return stepping is not None and not stepping.broken and stepping.due()

    def _tell_steps(self) -> None:
        """Tells the steps whose losses were still to be fetched."""
        assert self._log is not None
        for made in self._losses.fetch():
            self._epochs.loss(made.loss)
            self._log.tell(made)

    def _learn(self, step: Step, y: Tensor | None, loss: float) -> None:
        """Takes from the first steps what nobody said: the size of a batch, the classes, whether losses agree."""
        assert self._log is not None
        if step.outputs is not None:
            self._steps.rehearsals_left -= 1
            self._anew.compare(step, y, loss)
            if self._anew.differs is not None:
                ours, theirs = self._anew.differs
                self._steps.asleep = True
                self._log.say_once(
                    f"loss_fn(model(x), y) is {ours:.6g} where the loop has {theirs:.6g}, so that how well steps are "
                    "aimed is not measured"
                )
        known, call = self._log.described, step.call
        if known is None or call is None or call.images_NCHW is None or known.batch_size is not None:
            return
        self._log.describe(batch_size=len(call.images_NCHW), classes=known.classes or classes_of(step, y))

    def _end_epoch(
        self,
        train_accuracy: float | None,
        valid_loss: float | None,
        valid_accuracy: float | None,
        answers: AnswersRecord | None,
    ) -> None:
        assert self._log is not None
        assert self._monitor is not None
        self._calls.forget()
        self._tell_steps()
        if not self._epochs.steps:
            self._log.say_once("the end of an epoch in which no step was told is passed over")
            return
        record = self._epochs.close(
            self._steps.made,
            self._steps.rate,
            train_accuracy=train_accuracy,
            valid_loss=valid_loss,
            valid_accuracy=valid_accuracy,
        )
        self._log.tell(record)
        if answers is not None:
            self._log.tell(answers)
        if record.epoch == 1 and self._asked.epochs is not None and self._asked.steps is None:
            self._log.describe(steps_planned=self._asked.epochs * record.step)
        self._monitor.epoch(record.step, record.epoch)
        self._log.tabulate()
        self._epochs.begin()

    @contextmanager
    def _guarded(self) -> Generator[None]:
        """Lets nothing that goes wrong with watching reach the loop: watching ends, with one warning."""
        try:
            yield
        except Exception as error:
            if self._log is not None:
                with suppress(WriteFailed):
                    reason = f"watching ended before training: {worded(error)}"
                    self._log.stop(reason, self._epochs, self._steps.made, finished=False)
            # The hooks come off later: where this is within one of them, torch is walking through them.
            self._looks, self._broken = False, True
            self._steps.asleep = True
            text = f"trainwright stops watching, and training goes on: {worded(error)}"
            warnings.warn(text, RuntimeWarning, stacklevel=4)

    def _let_go(self) -> None:
        """Takes all hooks off and closes the log."""
        self._looks = self._broken = False
        self._calls.close()
        self._steps.close()
        if self._monitor is not None:
            self._monitor.close()
        if self._log is not None:
            self._log.close()
