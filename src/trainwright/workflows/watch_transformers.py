"""A training by Hugging Face's `Trainer`, watched: a callback for it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwright.errors import InputError
from trainwright.monitoring import answer_of

from .watch import watch
from .watch_request import share_or_none
from .watched_loop import Watch

try:
    from transformers.trainer_callback import TrainerCallback
except ImportError as error:
    raise InputError(
        "watching a Hugging Face Trainer needs the package transformers",
        hint="pip install 'trainwright[transformers]'",
    ) from error


class TransformersWatch(TrainerCallback):
    """Watches what a Trainer trains: `Trainer(…, callbacks=[tw.TransformersWatch()])`.

    A Trainer tells callbacks of no exception, so that a training that raises leaves a run without an end.

    Losses are those that the model computes from the labels of its batch; figures of validation are taken from its
    metrics `eval_loss` and `eval_accuracy`. An epoch is what lies between two evaluations, where there are some.

    Args:
        loss_fn: (logits, labels) → scalar, as the model computes it.
        **options: as for `watch`: run, probe (inputs under the model's main name, labels), classes, share, first_steps.
    """

    def __init__(self, loss_fn: Any = F.cross_entropy, **options: Any) -> None:
        self._loss_fn, self._options = loss_fn, options
        self._watch: Watch | None = None
        self._hook: Any = None
        self._losses: list[Tensor] = []
        self._ended = False
        self._labels: Tensor | None = None

    @property
    def path(self) -> Path | None:
        """The run folder; None before training began."""
        return None if self._watch is None else self._watch.path

    def on_train_begin(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        model, optimizer = named["model"], named["optimizer"]
        main = str(getattr(model, "main_input_name", "pixel_values"))

        def forward(inputs: Tensor) -> Any:
            return answer_of(model(**{main: inputs}))

        given: dict[str, Any] = {"steps": state.max_steps if state.max_steps > 0 else None, **self._options}
        self._watch = watch(model, optimizer, self._loss_fn, forward=forward, **given).begin()
        self._hook = model.register_forward_hook(self._see, with_kwargs=True)

    def __deepcopy__(self, _memo: dict[int, Any]) -> TransformersWatch:
        """Goes along with a copy of the model, which carries a hook of this."""
        return self

    def _see(self, model: Any, _inputs: Any, named: dict[str, Any], outputs: Any) -> None:
        if not torch.is_grad_enabled() or not model.training or (self._watch is not None and self._watch.looking):
            return
        loss, labels = getattr(outputs, "loss", None), named.get("labels")
        if isinstance(loss, Tensor):
            self._losses.append(loss.detach())
        self._labels = labels if isinstance(labels, Tensor) else None

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        if self._watch is None or self._ended:
            return
        if not self._losses:
            warnings.warn(
                "trainwright stops watching, and training goes on: the model computes no loss from the labels it gets",
                RuntimeWarning,
                stacklevel=2,
            )
            self.on_train_end(args, state, control)
            self._ended = True
            return
        mean = sum(self._losses[1:], self._losses[0]) / len(self._losses)
        self._losses = []
        self._watch.step(mean, None, self._labels)

    def on_evaluate(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        metrics: Any = named.get("metrics") or {}
        if self._watch is not None and state.global_step:
            share = share_or_none(metrics.get("eval_accuracy"))
            self._watch.epoch(val_loss=metrics.get("eval_loss"), val_accuracy=share)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        if self._watch is not None and str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "no":
            self._watch.epoch()

    def on_train_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        if self._watch is not None:
            self._hook.remove()
            self._watch.end()
