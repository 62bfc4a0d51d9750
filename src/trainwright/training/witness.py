"""What may look at the live net of a run after every step, and how a step is looked at anew without a trace.

A witness reads weights, gradients and outputs from near. It changes nothing that training goes on with: weights,
buffers, gradients and random numbers are after it what they were before.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Seen:
    """A step that was made, with its last batch as the net saw it.

    Attributes:
        loss: of the step, before the weights moved.
        images_NCHW: float, augmented, normalized and mixed.
        labels: as the loss got them; None where pictures are mixed.
        again: computes the loss of the same batch anew, a scalar with its graph, with the weights as they are then,
            in the net's mode and with the random numbers of the step; call it within `unmoved`. None where that loss
            is not that of the step (several batches a step, several ranks).
    """

    loss: float
    images_NCHW: Tensor | None
    labels: Tensor | None
    again: Callable[[], Tensor] | None


class Witness(Protocol):
    """Looks at the live net of a run; returns nothing."""

    def step(self, step: int, epoch: int, seen: Seen) -> None:
        """Looks after an optimizer step, counted from 1."""
        ...

    def epoch(self, step: int, epoch: int) -> None:
        """Looks at the end of an epoch, after its validation."""
        ...


@contextmanager
def unmoved(*models: nn.Module) -> Iterator[None]:
    """Gives generators, buffers, modes and gradients of nets back as they were when the block is left.

    Within the block nets have copies of their buffers, so that neither a buffer that they replace nor one that a graph
    outside still needs is touched. Generators of Python and numpy are kept, too, since a net of somebody else may ask
    them.

    Gradients are kept where they are; a backward in the block must go through `torch.autograd.grad`, which leaves them.
    """
    modes = [(module, module.training) for model in models for module in model.modules()]
    owners = [module for model in models for module in model.modules()]
    held = [(module, dict(module._buffers)) for module in owners]
    others = random.getstate(), np.random.get_state()
    tensors = [tensor for model in models for tensor in (*model.parameters(), *model.buffers())]
    devices = {tensor.device for tensor in tensors if tensor.device.type == "cuda"}
    with torch.random.fork_rng(devices):
        copies = {id(buffer): buffer.clone() for _, own in held for buffer in own.values() if buffer is not None}
        try:
            for module, own in held:
                module._buffers.update({name: copies[id(one)] for name, one in own.items() if one is not None})
            yield
        finally:
            for module, own in held:
                module._buffers.clear()
                module._buffers.update(own)
            for module, training in modes:
                module.training = training
            random.setstate(others[0])
            np.random.set_state(others[1])


def random_state(device: torch.device) -> Callable[[], None]:
    """Keeps the state of torch's generators on the CPU and a device; what it returns puts them back into it."""
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def put_back() -> None:
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state(cuda, device)

    return put_back
