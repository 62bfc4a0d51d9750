"""Whether one ordinary step of training can be made at all."""

from __future__ import annotations

import copy

import torch

from .checks import Check, alarm, passed, skipped
from .subject import Subject

NAME = "one-step"

CAUSES = {
    "the net": "the net does not take these pictures in training mode",
    "the loss": "labels or outputs are of a type or shape that the loss does not take",
    "the way back": "the graph is cut on the way back, or altered in place; or the loss is no single number",
}
"""What is likely wrong, by the place at which a step breaks off."""


def check_one_step(subject: Subject) -> Check:
    """Goes forward and back once with a batch as training gets it, on a copy of the net in training mode.

    What raises here ends training, too, but for a lack of memory, of which the copy takes some. The optimizer has no
    part in it: some want a function of their caller (LBFGS).
    """
    twin, lesson = copy.deepcopy(subject.model).train(), next(subject.trained())
    place = "the net"
    try:
        outputs_NK = subject.answer(twin, lesson.images_NCHW)
        place = "the loss"
        loss = lesson.loss_of(outputs_NK)
        place = "the way back"
        loss.backward()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # of somebody's own net or loss
        told = str(error).strip().partition("\n")[0]
        return alarm(
            NAME,
            "step-raises",
            f"a step of training raises in {place}: {type(error).__name__}: {told}",
            evidence={"place": place, "error": type(error).__name__},
            causes=(CAUSES[place],),
        )
    if not torch.isfinite(loss):
        return skipped(NAME, "the loss is not finite")
    return passed(NAME, f"a step of training goes through, loss {loss.item():.3f}", {"loss": loss.item()})
