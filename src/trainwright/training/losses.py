"""Losses: pure functions from logits and labels to one number a picture or a batch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from trainwright.errors import InputError
from trainwright.recipe import LossSection

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def cross_entropy(
    logits_NK: Tensor, labels_N: Tensor, *, smoothing: float = 0.0, weights_N: Tensor | None = None
) -> Tensor:
    """Computes the mean softmax cross-entropy of a batch against smoothed labels.

    The right class gets probability 1-ε and each of the K-1 others ε/(K-1). torch spreads its ε over all K classes,
    so ours is converted: ε_torch = ε·K/(K-1).

    Args:
        logits_NK: scores before the softmax.
        labels_N: int64 class numbers, 0 to K-1.
        smoothing: ε, from 0 to (K-1)/K.
        weights_N: weight of each picture; the sum of weighted losses is divided by N, so weights of mean 1 keep the
            step as it was.

    Returns: a scalar, in nats.

    Source: Szegedy et al. 2016, section 7, in the form that spares the right class.

    >>> import torch
    >>> scores = torch.tensor([[3.2, 5.1, -1.7]])
    >>> round(cross_entropy(scores, torch.tensor([0])).item(), 2)
    2.04
    """
    classes = logits_NK.shape[1]
    spread = smoothing * classes / max(classes - 1, 1)
    logits_NK = logits_NK.float()
    if weights_N is None:
        return F.cross_entropy(logits_NK, labels_N, label_smoothing=spread)
    losses_N = F.cross_entropy(logits_NK, labels_N, label_smoothing=spread, reduction="none")
    return (losses_N * weights_N).sum() / len(labels_N)


def check_smoothing(smoothing: float, classes: int) -> None:
    """Refuses smoothing so strong that the right class would not be the likeliest.

    Raises:
        InputError: smoothing is (K-1)/K or more.
    """
    limit = (classes - 1) / classes
    if smoothing >= limit:
        raise InputError(
            "label smoothing leaves the right class no more likely than a wrong one",
            expected=f"below {limit:.3g} for {classes} classes",
            got=f"{smoothing:g}",
            where="loss.label_smoothing",
            hint="0.1 is usual",
        )


def build_loss(section: LossSection) -> Loss:
    """Gives the training loss of a recipe: (logits N K, labels N, weights N or None) → a scalar."""
    return LOSSES[section.name](section)


def _cross_entropy(section: LossSection) -> Loss:
    return lambda logits_NK, labels_N, weights_N: cross_entropy(
        logits_NK, labels_N, smoothing=section.label_smoothing, weights_N=weights_N
    )


LOSSES: dict[str, Callable[[LossSection], Loss]] = {"cross-entropy": _cross_entropy}
"""Every value of `loss.name` and its builder."""
