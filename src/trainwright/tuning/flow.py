"""Whether a gradient comes to every weight that wants to learn."""

from __future__ import annotations

from .by_heart import step
from .checks import Check, alarm, passed, skipped
from .subject import Subject, plainly

NAME = "gradient-flow"

STEPS = 3
"""Steps after which every weight must have had a gradient: layers and scales that begin at 0 let none through at first.
"""

MOST_CUT_OFF = 0.5
"""Share of the numbers to be learned without any gradient, above which the net cannot be meant so."""


def check_gradient_flow(subject: Subject) -> Check:
    """Makes a few steps and looks which weights have never had a gradient."""
    lesson = subject.clean(64)
    twin = subject.twin_by_adam(1e-3)
    plainly(twin.model)
    waiting = {name: parameter for name, parameter in twin.model.named_parameters() if parameter.requires_grad}
    numbers = sum(parameter.numel() for parameter in waiting.values())
    for _ in range(STEPS):
        if step(subject, twin, lesson) is None:
            return skipped(NAME, "the loss is not finite")
        waiting = {
            name: parameter for name, parameter in waiting.items() if parameter.grad is None or not parameter.grad.any()
        }
    cut_off = sum(parameter.numel() for parameter in waiting.values())
    evidence: dict[str, float | str | None] = {"numbers": numbers, "numbers_without_gradient": cut_off}
    if not waiting:
        return passed(NAME, f"a gradient comes to all {numbers:,} numbers that are to be learned", evidence)
    return alarm(
        NAME,
        "frozen-by-mistake",
        f"no gradient comes to {cut_off:,} of {numbers:,} numbers to be learned, as in {next(iter(waiting))}",
        evidence=evidence,
        causes=(
            "the graph is cut in front of them, by detach, .data or no_grad",
            "the net does not use them",
            "units in front of them are dead",
        ),
        layers=tuple(waiting)[:3],
        stop=cut_off > MOST_CUT_OFF * numbers,
    )
