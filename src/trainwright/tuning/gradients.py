"""Gradients by automatic differentiation against differences of the function itself, in float64.

Legend: N pictures.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .checks import Check, alarm, passed, skipped
from .subject import Subject, plainly

NAME = "gradients"

SURE = 0.1
"""From this error on a gradient is wrong; a smaller one may be meant so, as in straight-through estimators."""

TOLERANCE = 1e-4
"""Largest |numerical − automatic| / (|numerical| + |automatic|) of a right gradient. Source: Stanford CS231n, gradient
checks: 1e-4 for functions with kinks, 1e-7 for those without."""

STEPS = (1e-5, 1e-6, 1e-4)
"""Lengths of a step along a direction, tried one after the other in other directions: a right gradient agrees at one of
them, also where a step goes over a kink."""

PICTURES = 3

FORWARDS = 5
"""What one comparison takes, in forward passes: one and its way back, which is two, and two at both ends of a step."""

NOISE = 1e-2
"""Deviation of what is added to the inputs of net and modules, weights and biases, so that nothing lies on a kink, such
as the 0 of a ReLU or a tie of maxima."""


@dataclass(frozen=True)
class Call:
    """What a module was called with, in float64."""

    module: nn.Module
    inputs: tuple[Tensor, ...]


def check_gradients(subject: Subject) -> Check:
    """Compares both gradients, along random directions of inputs and weights, of every module that is not torch's own,
    and of the whole net.

    Works on a copy on the CPU in float64; dropout is off, batches are normalized by themselves. What that takes has
    little to do with a step of training, and is told by the first forward pass.

    Raises:
        OutOfTime: all modules and the whole net would take more than the subject's time.

    Source: Goodfellow et al. 2016, section 11.5; Stanford CS231n, Neural networks 3, gradient checks.
    """
    lesson = subject.clean(PICTURES)
    twin = plainly(copy.deepcopy(subject.model)).cpu().double()
    generator = torch.Generator().manual_seed(0)
    for parameter in twin.parameters():
        parameter.data = _off_kinks(parameter.data, generator)
    images_NCHW = _off_kinks(lesson.images_NCHW.detach().cpu().double(), generator)
    own = {name: module for name, module in twin.named_modules() if name and _innermost(module)}
    began = time.perf_counter()
    calls = _record(twin, own, images_NCHW)
    if calls is None:
        return skipped(NAME, "the net cannot compute in float64, in which gradients are compared")
    subject.keep_time(2 * FORWARDS * (time.perf_counter() - began))
    worst, checked = 0.0, 0
    for name, call in calls.items():
        error = _disagreement(call, generator)
        if error is None:
            continue
        worst, checked = max(worst, error), checked + 1
        if error > TOLERANCE:
            kind = type(call.module).__name__
            return alarm(
                NAME,
                "wrong-gradient",
                f"the gradient of {name} ({kind}) is not that of what it computes: they differ by {error:.2g} of their "
                "size",
                evidence={"relative_error": error, "tolerance": TOLERANCE, "layer": name},
                causes=(
                    f"a mistake in the backward pass of {kind}",
                    "an operation on values outside the graph (.data)",
                ),
                layers=(name,),
                source="Stanford CS231n, Neural networks 3, gradient checks",
                stop=error > SURE,
            )
    whole = _disagreement(Call(twin, (images_NCHW,)), generator)
    if whole is not None and whole > TOLERANCE:
        return alarm(
            NAME,
            "wrong-gradient",
            f"the gradient of the whole net is not that of what it computes: they differ by {whole:.2g} of their size",
            evidence={"relative_error": whole, "tolerance": TOLERANCE},
            causes=("a mistake in a backward pass", "an operation on values outside the graph (.data)"),
            source="Stanford CS231n, Neural networks 3, gradient checks",
            stop=whole > SURE,
        )
    worst = max(worst, whole or 0.0)
    kinds = "1 module" if checked == 1 else f"{checked} modules"
    return passed(
        NAME,
        f"numerical and automatic gradients agree to {worst:.1g} in {kinds} and the whole net",
        {"largest_relative_error": worst, "modules": checked},
    )


def _innermost(module: nn.Module) -> bool:
    """Tells whether a module is not torch's own, and holds none that is not."""
    return _foreign(module) and not any(_foreign(inner) for inner in module.modules() if inner is not module)


def _foreign(module: nn.Module) -> bool:
    return not type(module).__module__.startswith("torch.")


def _record(model: nn.Module, own: dict[str, nn.Module], images_NCHW: Tensor) -> dict[str, Call] | None:
    """Calls the net once and keeps what some modules were given; one of each kind and shape of input.

    Returns: None where the net cannot compute in float64.
    """
    calls: dict[str, Call] = {}
    seen: set[object] = set()

    def keep(name: str) -> Callable[[nn.Module, tuple[object, ...], dict[str, object]], None]:
        def hook(module: nn.Module, inputs: tuple[object, ...], keywords: dict[str, object]) -> None:
            if keywords:
                return
            tensors = tuple(given.detach().clone() for given in inputs if isinstance(given, Tensor))
            if len(tensors) != len(inputs) or not all(given.is_floating_point() for given in tensors):
                return
            kind = (type(module), *(given.shape[1:] for given in tensors))
            if kind not in seen:
                seen.add(kind)
                calls[name] = Call(module, tensors)

        return hook

    handles = [module.register_forward_pre_hook(keep(name), with_kwargs=True) for name, module in own.items()]
    try:
        with torch.no_grad():
            outputs = model(images_NCHW)
    except RuntimeError:
        return None
    finally:
        for handle in handles:
            handle.remove()
    return calls if isinstance(outputs, Tensor) and outputs.dtype == torch.float64 else None


def _off_kinks(tensor: Tensor, generator: torch.Generator) -> Tensor:
    return tensor + NOISE * torch.randn(tensor.shape, generator=generator, dtype=torch.float64)


def _disagreement(call: Call, generator: torch.Generator) -> float | None:
    """Measures how far both derivatives along a random direction lie apart, relative to their size, at best.

    Returns: None where the module gives no float64 or nothing finite, or nothing hangs on anything.
    """
    best: float | None = None
    for step in STEPS:
        error = _along(call, step, generator)
        if error is None:
            return best
        best = error if best is None else min(best, error)
        if best <= TOLERANCE:
            return best
    return best


def _along(call: Call, step: float, generator: torch.Generator) -> float | None:
    module = call.module
    inputs = [_off_kinks(given, generator).requires_grad_() for given in call.inputs]
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    outputs = _call(module, inputs)
    if outputs is None or not outputs.requires_grad:
        return None
    cotangent = torch.randn(outputs.shape, generator=generator, dtype=torch.float64)
    moved: Sequence[Tensor] = [*inputs, *parameters]
    gradients = torch.autograd.grad((outputs * cotangent).sum(), moved, allow_unused=True)
    directions = [torch.randn(tensor.shape, generator=generator, dtype=torch.float64) for tensor in moved]
    length = math.sqrt(sum(float(direction.square().sum()) for direction in directions))
    for direction in directions:
        direction.div_(length)
    automatic = sum(
        float((gradient * direction).sum())
        for gradient, direction in zip(gradients, directions, strict=True)
        if gradient is not None
    )
    values: list[float] = []
    with torch.no_grad():
        for sign in (1.0, -2.0):
            for tensor, direction in zip(moved, directions, strict=True):
                tensor.add_(direction, alpha=sign * step)
            outputs = _call(module, inputs)
            values.append(float((outputs * cotangent).sum()) if outputs is not None else 0.0)
        for tensor, direction in zip(moved, directions, strict=True):
            tensor.add_(direction, alpha=step)
    numerical = (values[0] - values[1]) / (2 * step)
    size = abs(numerical) + abs(automatic)
    if not math.isfinite(size):
        return None
    return abs(numerical - automatic) / size if size > 0 else 0.0


def _call(module: nn.Module, inputs: Sequence[Tensor]) -> Tensor | None:
    """Calls a module from the same random numbers each time; None where it gives no float64 tensor."""
    torch.manual_seed(0)
    outputs = module(*(given.clone() for given in inputs))  # clones, as a module may work in place
    return outputs if isinstance(outputs, Tensor) and outputs.dtype == torch.float64 else None
