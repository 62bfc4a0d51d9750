"""A `lightning` training, watched: a callback for its Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from trainwright.errors import InputError

from .watch import watch
from .watch_request import share_or_none
from .watched_loop import Watch

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise InputError(
        "watching a lightning Trainer needs the package lightning", hint="pip install 'trainwright[lightning]'"
    ) from error

LOSSES = ("val_loss", "valid_loss", "val/loss", "valid/loss")
ACCURACIES = ("val_acc", "val_accuracy", "valid_acc", "valid_accuracy", "val/acc", "val/accuracy")
"""Names under which modules usually log what validation gave."""


class LightningWatch(Callback):
    """Watches what a Trainer trains: `Trainer(callbacks=[tw.LightningWatch(F.cross_entropy)])`.

    Losses are those that `training_step` returns, labels the second part of a batch that is a pair of tensors; figures
    of validation are taken from what the module logs as `val_loss` and `val_acc` (or `val_accuracy`). Of several
    optimizers the first is watched.

    Args:
        loss_fn: (outputs, labels) → scalar, as `training_step` computes it.
        net: name of the module's attribute that holds the net; by default its only part that has parameters, else the
            module itself.
        **options: as for `watch`: run, probe, classes, share, first_steps.
    """

    def __init__(self, loss_fn: Any = None, *, net: str | None = None, **options: Any) -> None:
        self._loss_fn, self._net_name, self._options = loss_fn, net, options
        self._watch: Watch | None = None
        self._losses: list[Tensor] = []
        self._steps = 0
        self._validated = False

    @property
    def path(self) -> Path | None:
        """The run folder; None before training began."""
        return None if self._watch is None else self._watch.path

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        steps = int(trainer.estimated_stepping_batches) if trainer.estimated_stepping_batches < float("inf") else None
        net = _net_of(pl_module, self._net_name)
        given: dict[str, Any] = {"epochs": epochs, "steps": steps, **self._options}
        self._watch = watch(net, trainer.optimizers[0], self._loss_fn, **given).begin()
        self._steps = trainer.global_step

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        if self._watch is not None and optimizer is trainer.optimizers[0]:
            self._watch.before_step()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        loss = cast("dict[str, Any]", outputs).get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            self._losses.append(loss.detach())
        if self._watch is None or trainer.global_step == self._steps or not self._losses:
            return
        self._steps = trainer.global_step
        whole = sum(self._losses[1:], self._losses[0])  # Trainer has divided each by the batches of a step
        self._losses = []
        parts = tuple(cast("list[Any]", batch)) if isinstance(batch, list | tuple) else ()
        pair = parts if len(parts) == 2 else (None, None)
        x, y = (part if isinstance(part, Tensor) else None for part in pair)
        self._watch.step(whole, x, y)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._watch is None:
            return
        logged = trainer.callback_metrics if self._validated else {}
        loss = next((logged[name] for name in LOSSES if name in logged), None)
        accuracy = next((logged[name] for name in ACCURACIES if name in logged), None)
        self._validated = False
        self._watch.epoch(val_loss=None if loss is None else float(loss), val_accuracy=share_or_none(accuracy))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._watch is not None:
            self._watch.end()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self._watch is not None:
            self._watch.end(exception)


def _net_of(module: LightningModule, name: str | None) -> nn.Module:
    if name is not None:
        net = getattr(module, name, None)
        if not isinstance(net, nn.Module):
            raise InputError("the module has no net of this name", got=name, where="net")
        return net
    parts = [part for part in module.children() if next(part.parameters(), None) is not None]
    own = next(module.parameters(recurse=False), None)
    return parts[0] if len(parts) == 1 and own is None else module
