"""Into evaluation mode and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Puts every module into evaluation mode, and back into the mode that each had.

    Some of timm's nets (levit, efficientformer) keep what they compute from weights in evaluation until they are asked
    to train. So they are asked, before and after: before, since the weights may have moved; after, since what was kept
    may hang on a gradient, and then could not be copied.

    >>> net = nn.Sequential(nn.Dropout())
    >>> with evaluating(net):
    ...     print(net[0].training)
    False
    >>> net[0].training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.train()
    model.eval()
    try:
        yield
    finally:
        model.train()
        for module, training in modes:
            module.training = training
