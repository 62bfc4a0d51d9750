"""Steps of a loop that is not ours: which call of the net a step was made of, and whether it can be made again.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.training import Seen, top_rate, unmoved

from .calls import Call, Calls
from .validation import answer_of, classifies

REHEARSALS = 2
"""First steps whose loss is computed a second time, to see whether it is what we take it for; later those that are
looked at, since a loop may change its loss."""

AGREE = 2e-3
"""Relative difference up to which two computations of a loss are the same, compiled and in half precision, too."""


@dataclass(frozen=True, eq=False)
class Step:
    """What is known of a step when the loop tells it.

    Attributes:
        number: optimizer steps so far, this one included.
        rate: the learning rate that it was made with, that of the group with the largest.
        call: of the net that it was made of; None where it was made of several, or of none that was seen.
        outputs: what the net gave out when that call was made a second time before the step; None where it was not.
        in_order: whether the net was not called for the next step already.
    """

    number: int
    rate: float
    call: Call | None
    outputs: Any
    in_order: bool


class Steps:
    """Sees the steps of an optimizer, with what the net was called with for each.

    Args:
        net: without wrappers.
        optimizer: of the loop.
        calls: of the net.
        guarded: a context in which nothing that goes wrong reaches the loop.
        due: whether the step that is made is looked at.
    """

    def __init__(
        self,
        net: nn.Module,
        optimizer: torch.optim.Optimizer,
        calls: Calls,
        guarded: Callable[[], AbstractContextManager[None]],
        due: Callable[[], bool] = lambda: False,
    ) -> None:
        self._net, self._optimizer, self._calls, self._guarded, self._due = net, optimizer, calls, guarded, due
        self._made = self._since = self._passes = 0
        self.rate = top_rate(optimizer)
        self._rehearsed: tuple[Call, Any] | None = None
        self.rehearsals_left, self.asleep, self.took_s = REHEARSALS, False, 0.0
        inner = getattr(optimizer, "_base_optimizer", optimizer)  # timm's Lookahead never calls hooks of its own
        self._hooks = [inner.register_step_pre_hook(self._before), inner.register_step_post_hook(self._after)]

    def _before(self, *_: Any) -> None:
        self.rate = top_rate(self._optimizer)
        self.rehearse()

    def rehearse(self) -> None:
        """Makes the pass of a first step a second time, while the weights are those of the first."""
        call = self._calls.last
        self.took_s = 0.0
        if self.asleep or call is None or self._calls.passes != 1:
            return
        if self.rehearsals_left > 0 or self._due():
            began = time.perf_counter()
            with self._guarded(), self._calls.unseen(), unmoved(self._net), torch.no_grad():
                self._rehearsed = call, answer_of(call.again(self._net))
            self.took_s = time.perf_counter() - began

    def _after(self, *_: Any) -> None:
        self._made += 1
        self._since += 1
        self._passes = self._calls.passes

    def told(self) -> Step | None:
        """Gives the step that the loop tells of; None where the optimizer made none since the last one."""
        if not self._since:
            return None
        passes, call = self._calls.passes, self._calls.last
        in_order = passes == self._passes
        alone = call is not None and passes == 1 and self._since == 1 and in_order
        rehearsed = self._rehearsed
        outputs = rehearsed[1] if alone and rehearsed is not None and rehearsed[0] is call else None
        self._since, self._rehearsed = 0, None
        self._calls.step_made()
        return Step(self._made, self.rate, call if alone else None, outputs, in_order)

    @property
    def made(self) -> int:
        """Steps that the optimizer has made."""
        return self._made

    def close(self) -> None:
        """Takes the hooks off."""
        for hook in self._hooks:
            hook.remove()


class Anew:
    """Computes the loss of a step anew, once it has been seen that this gives the loss that the loop had.

    Args:
        net: without wrappers.
        loss_fn: (outputs, labels) → scalar; None where nobody gave one.
        calls: of the net.
    """

    def __init__(self, net: nn.Module, loss_fn: Callable[[Any, Any], Tensor] | None, calls: Calls) -> None:
        self._net, self._loss_fn, self._calls = net, loss_fn, calls
        self.agreed: int | None = None
        self.differs: tuple[float, float] | None = None

    def compare(self, step: Step, labels: Tensor | None, loss: float) -> None:
        """Compares the loss of a rehearsed step with the one that the loop tells."""
        if step.call is None or step.outputs is None or self._loss_fn is None or labels is None:
            return
        with torch.random.fork_rng(), torch.no_grad(), step.call.number_format():
            ours = float(self._loss_fn(step.outputs, labels))
        agrees = math.isclose(ours, loss, rel_tol=AGREE, abs_tol=1e-6) or not math.isfinite(loss)
        self.agreed = step.number if agrees else None
        if not agrees:
            self.differs = (ours, loss)

    def seen(self, step: Step, inputs: Tensor | None, labels: Tensor | None, loss: float) -> Seen:
        """Describes a step for the monitor."""
        call, loss_fn = step.call, self._loss_fn
        if call is None:
            return Seen(loss, inputs if step.in_order else None, labels if step.in_order else None, None)
        images_NCHW = inputs if call.images_NCHW is None else call.images_NCHW
        if loss_fn is None or labels is None or self.agreed != step.number:
            return Seen(loss, images_NCHW, labels, None)

        def again() -> Tensor:
            with self._calls.unseen(), call.number_format():
                return loss_fn(answer_of(call.again(self._net)), labels)

        return Seen(loss, images_NCHW, labels, again)


def scalar(loss: object) -> float | Tensor:
    """Reads the loss of a step; what lies on another device stays there, since to fetch it would hold that up.

    Raises:
        InputError: it is not one number.
    """
    if isinstance(loss, Tensor) and loss.numel() == 1:
        return loss.detach().reshape(()) if loss.device.type != "cpu" else float(loss.detach())
    if isinstance(loss, int | float):
        return float(loss)
    shape = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
    raise InputError(
        "the loss of a step is one number",
        expected="a scalar, such as loss_fn(model(x), y) with the mean over the batch",
        got=shape,
        where="step(loss)",
    )


def classes_of(step: Step, labels: Tensor | None) -> int | None:
    """Counts the classes of a net whose outputs were seen, where it classifies."""
    return int(step.outputs.shape[1]) if classifies(step.outputs, labels) else None
