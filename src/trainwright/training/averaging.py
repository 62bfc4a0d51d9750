"""A running average of the weights, evaluated and shipped in place of the last ones."""

from __future__ import annotations

import copy

import torch
from torch import nn


def ema_decay(decay: float, step: int) -> float:
    """Gives the decay of a step: it grows with the number of weights seen, so that the start is soon forgotten.

    Args:
        decay: the final decay, 0 to 1.
        step: optimizer steps made so far, from 1.

    >>> ema_decay(0.99, 1), ema_decay(0.99, 10_000)
    (0.18181818181818182, 0.99)
    """
    return min(decay, (1 + step) / (10 + step))


class WeightAverage:
    """Keeps a copy of a model whose weights are the exponential moving average of the model's.

    Floating-point buffers (running statistics) are averaged like weights, counters are copied. What a module keeps of
    the weights for evaluation, as the attention of timm's levit does, it drops when it is asked to train; so after
    every step it is asked.

    Source: Polyak & Juditsky 1992.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self._keeping = [part for part in self.model.modules() if type(part).train is not nn.Module.train]

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Moves the average towards the model after optimizer step `step` (from 1): a ← d·a + (1-d)·w."""
        mine = self.model.state_dict()
        theirs = model.state_dict()
        floating = [name for name, tensor in mine.items() if tensor.is_floating_point()]
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage] - torch.optim uses it too
            [mine[name] for name in floating],
            [theirs[name] for name in floating],
            1 - ema_decay(self.decay, step),
        )
        for name, tensor in mine.items():
            if not tensor.is_floating_point():
                tensor.copy_(theirs[name])
        for part in self._keeping:
            part.train()
            part.eval()
