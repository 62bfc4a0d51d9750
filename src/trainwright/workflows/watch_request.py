"""What is asked of `tw.watch`, and whether it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models import evaluating
from trainwright.monitoring import Pictures, answer_of, unwrapped
from trainwright.training import unmoved

MOST_PROBED = 512
"""Pictures of the probe set that are kept."""

PROBE = "(inputs, labels) of at most 512 pictures, as the net sees them in evaluation"


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What somebody wants to be watched; None where it was not said.

    Attributes:
        model: as the loop calls it.
        optimizer: as the loop steps it.
        loss_fn: (outputs, labels) → scalar.
        run: path of the run folder.
        probe: inputs with labels, or inputs.
        epochs, steps: that training is planned to last.
        classes: names, in order, or their number.
        forward: inputs → outputs, where the model cannot be called with the inputs alone.
        share: of the training time that watching may take.
        first_steps: that are all looked at.
        scaler: of the loss, for float16.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss_fn: Callable[[Any, Any], Tensor] | None
    run: str | Path | None
    probe: object
    epochs: int | None
    steps: int | None
    classes: int | Sequence[str] | None
    forward: Callable[[Any], Any] | None
    share: float
    first_steps: int
    scaler: torch.amp.GradScaler | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes; empty where nobody gave them."""
        return () if self.classes is None or isinstance(self.classes, int) else tuple(self.classes)

    @property
    def class_count(self) -> int | None:
        """The number of classes; None where nobody gave it."""
        return self.classes if self.classes is None or isinstance(self.classes, int) else len(self.classes)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was not given."""
        given = {"loss_fn": self.loss_fn, "probe": self.probe}
        return tuple(name for name, value in given.items() if value is None)


def refuse_bad_watch(asked: Asked) -> None:
    """Looks at what was given before anything is made.

    Raises:
        InputError: no module, one without parameters, no optimizer, or a number out of its range.
    """
    kind = type(asked.model).__name__
    if not isinstance(cast(object, asked.model), nn.Module):
        raise InputError("what is to be watched is no net", expected="a torch.nn.Module", got=kind, where="model")
    if next(asked.model.parameters(), None) is None:
        raise InputError("the net has no parameters, so that nothing in it can learn", got=kind, where="model")
    if any(isinstance(tensor, nn.parameter.UninitializedParameter) for tensor in asked.model.parameters()):
        raise InputError(
            "the net has parameters that are made at its first call only",
            got=kind,
            where="model",
            hint="call it once with a batch before the optimizer is made",
        )
    if not isinstance(cast(object, asked.optimizer), torch.optim.Optimizer):
        raise InputError(
            "this is no optimizer",
            expected="a torch.optim.Optimizer over the net's parameters",
            got=type(asked.optimizer).__name__,
            where="optimizer",
        )
    for name, value in (("loss_fn", asked.loss_fn), ("forward", asked.forward)):
        if value is not None and not callable(value):
            expected = "a function (outputs, labels) → scalar" if name == "loss_fn" else "a function inputs → outputs"
            raise InputError("this cannot be called", expected=expected, got=type(value).__name__, where=name)
    if not 0 < asked.share <= 1:
        raise InputError(
            "a share of the training time lies above 0 and is at most 1", got=str(asked.share), where="share"
        )
    for name, value in (("epochs", asked.epochs), ("steps", asked.steps), ("first_steps", asked.first_steps)):
        if value is not None and value < 1:
            raise InputError(f"{name} is a whole number from 1", got=str(value), where=name)


def bare_optimizer(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Takes off what accelerate puts around an optimizer: the hooks of that are never called."""
    inner = getattr(optimizer, "optimizer", None)
    return bare_optimizer(inner) if isinstance(inner, torch.optim.Optimizer) else optimizer


def device_of(model: nn.Module) -> torch.device:
    """Finds where a net lies."""
    return next(model.parameters()).device


def probe_of(asked: Asked) -> Pictures | None:
    """Takes the probe set apart, keeps the first pictures of it, and lets the net see two of them.

    Raises:
        InputError: it is no inputs with labels, or the net cannot take it.
    """
    if asked.probe is None:
        return None
    inputs, labels = _parted(asked.probe)
    model, device = unwrapped(asked.model), device_of(asked.model)
    inputs = inputs[:MOST_PROBED].detach().to(device, copy=True)
    labels = None if labels is None else labels[:MOST_PROBED].detach().to(device, copy=True)
    with unmoved(model), torch.no_grad(), evaluating(model):
        try:
            outputs = answer_of((asked.forward or model)(inputs[:2]))
        except Exception as error:
            raise InputError(
                "the net cannot take the pictures of the probe set",
                expected="inputs as in training, shaped as the net wants them",
                got=f"{tuple(inputs.shape)}, {inputs.dtype}: {_first_line(error)}",
                where="probe",
            ) from error
        if asked.loss_fn is not None and labels is not None:
            _refuse_bad_loss(asked.loss_fn, outputs, labels[:2])
    return Pictures(inputs, labels)


def _refuse_bad_loss(loss_fn: Callable[[Any, Any], Any], outputs: Any, labels: Tensor) -> None:
    try:
        loss = loss_fn(outputs, labels)
    except Exception as error:
        raise InputError(
            "loss_fn cannot take the net's outputs and the labels of the probe set",
            expected="a function (outputs, labels) → scalar, as in training",
            got=_first_line(error),
            where="loss_fn",
        ) from error
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        got = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise InputError("loss_fn gives no scalar", expected="the mean over the batch", got=got, where="loss_fn")


def _parted(probe: object) -> tuple[Tensor, Tensor | None]:
    parts = [probe] if isinstance(probe, Tensor) else list(cast(Sequence[object], probe)) if _is_sequence(probe) else []
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if not parts or len(tensors) != len(parts) or len(parts) > 2 or not all(part.ndim for part in tensors):
        got = ", ".join(type(part).__name__ for part in parts) or type(probe).__name__
        raise InputError("this is no probe set", expected=PROBE, got=got, where="probe")
    if not len(tensors[0]):
        raise InputError("the probe set is empty", expected=PROBE, where="probe")
    if len(tensors) == 1:
        return tensors[0], None
    if len(tensors[0]) != len(tensors[1]):
        raise InputError(
            "the probe set has not as many labels as inputs",
            got=f"{len(tensors[0])} inputs and {len(tensors[1])} labels",
            where="probe",
        )
    return tensors[0], tensors[1]


def _is_sequence(probe: object) -> bool:
    return isinstance(probe, list | tuple)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def refuse_no_share(name: str, value: float | None) -> None:
    """Makes sure that an accuracy is a share.

    Raises:
        InputError: it is none, such as a percentage.
    """
    if value is not None and not 0 <= float(value) <= 1:
        raise InputError("an accuracy is a share from 0 to 1", got=f"{float(value):g}", where=name)


def in_ranks() -> bool:
    """Says whether this process is one of several that train together, or may become one."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def number_or_none(value: Any) -> float | None:
    """Takes a figure out of a tensor, or None for None."""
    return None if value is None else float(value)


def share_or_none(value: Any) -> float | None:
    """Takes a logged accuracy for what it is: a share; None where it is none, such as a percentage."""
    return float(value) if value is not None and 0 <= float(value) <= 1 else None


def described(asked: Asked) -> dict[str, Any]:
    """Lists what is known of a loop beside its records, for watch.json."""
    net = unwrapped(asked.model)
    return {
        "trainwright": version("trainwright"),
        "torch": torch.__version__,
        "model": type(net).__name__,
        "optimizer": type(asked.optimizer).__name__,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "device": str(device_of(net)),
        "settings": {
            "epochs": asked.epochs,
            "steps": asked.steps,
            "classes": list(asked.names) or asked.classes,
            "share": asked.share,
            "first_steps": asked.first_steps,
        },
        "missing": list(asked.missing),
    }
