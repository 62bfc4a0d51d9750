"""Losses: pure functions from what a net gives and what is true to one number a batch.

Legend: N pictures of a batch, K classes or labels, D columns of numbers, P pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwright.errors import InputError
from trainwright.recipe import LossSection, decided


@dataclass(frozen=True)
class Loss:
    """A training loss: called with outputs N K, labels, and weights N or None it gives a scalar.

    Attributes:
        of: the function.
        target: what labels are as numbers that can be blended, by labels and K; None where the loss is linear in the
            label, so that the losses of two labels may be blended in the place of the labels.
    """

    of: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    target: Callable[[Tensor, int], Tensor] | None = None

    def __call__(self, outputs_NK: Tensor, labels_N: Tensor, weights_N: Tensor | None) -> Tensor:
        return self.of(outputs_NK, labels_N, weights_N)


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
    return _mean(losses_N, weights_N)


def smoothed(labels_N: Tensor, classes: int, smoothing: float) -> Tensor:
    """Gives class numbers as distributions: 1-ε on the right class, ε/(K-1) on each other; float32 N K.

    >>> smoothed(torch.tensor([2]), 3, 0.5).tolist()
    [[0.25, 0.25, 0.5]]
    """
    wrong = smoothing / max(classes - 1, 1)
    return wrong + (1.0 - smoothing - wrong) * F.one_hot(labels_N, classes).float()


def kullback_leibler(logits_NK: Tensor, targets_NK: Tensor, *, weights_N: Tensor | None = None) -> Tensor:
    """Computes the mean Kullback–Leibler divergence Σ t (ln t − ln p) of the softmax p from target distributions t.

    It is the cross-entropy less the entropy of the targets, and has its gradient; a net can bring it to 0.

    Args:
        logits_NK: scores before the softmax.
        targets_NK: each row at least 0 and of sum 1; what is 0 adds nothing.
        weights_N: as in `cross_entropy`.

    Returns: a scalar, in nats.

    Source: Kullback & Leibler 1951.

    >>> round(kullback_leibler(torch.zeros(1, 2), torch.tensor([[0.5, 0.5]])).item(), 6)
    0.0
    """
    losses_N = F.kl_div(logits_NK.float().log_softmax(dim=1), targets_NK, reduction="none").sum(dim=1)
    return _mean(losses_N, weights_N)


def logistic(
    logits_NK: Tensor, targets_NK: Tensor, *, weights_N: Tensor | None = None, positive_K: Tensor | None = None
) -> Tensor:
    """Computes the mean over pictures and labels of −t ln σ(z) − (1−t) ln(1−σ(z)): each label for itself.

    Args:
        logits_NK: scores before the sigmoid σ.
        targets_NK: probability that the label holds, 0 to 1.
        weights_N: as in `cross_entropy`.
        positive_K: weight of the first term of each label, for labels that seldom hold; None for 1.

    Returns: a scalar, in nats a label; ln 2 where all scores are 0.

    Source: Cox 1958; with weights: King & Zeng 2001.

    >>> round(logistic(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 1.0]])).item(), 4)
    0.6931
    """
    losses_NK = F.binary_cross_entropy_with_logits(
        logits_NK.float(), targets_NK, pos_weight=positive_K, reduction="none"
    )
    return _mean(losses_NK.mean(dim=1), weights_N)


def squared_error(outputs_ND: Tensor, targets_ND: Tensor, *, weights_N: Tensor | None = None) -> Tensor:
    """Computes the mean over pictures and columns of r², r = output − target; there is no ½ in it.

    Source: Gauss 1809.

    >>> squared_error(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item()
    2.0
    """
    return _mean((outputs_ND.float() - targets_ND).square().mean(dim=1), weights_N)


def absolute_error(outputs_ND: Tensor, targets_ND: Tensor, *, weights_N: Tensor | None = None) -> Tensor:
    """Computes the mean over pictures and columns of |r|, which is least at the median and minds outliers little.

    Source: Laplace 1774.

    >>> absolute_error(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item()
    1.0
    """
    return _mean((outputs_ND.float() - targets_ND).abs().mean(dim=1), weights_N)


def smooth_absolute_error(
    outputs_ND: Tensor, targets_ND: Tensor, *, beta: float = 1.0, weights_N: Tensor | None = None
) -> Tensor:
    """Computes the mean over pictures and columns of ½ r²/β where |r| < β, else of |r| − ½ β.

    Args:
        beta: β, above 0, in the units of the targets; there is a ½, so that value and slope meet at |r| = β.

    Source: Girshick 2015, equation 3; Huber 1964, divided by β.

    >>> smooth_absolute_error(torch.tensor([[0.5, 3.0]]), torch.tensor([[0.0, 0.0]])).item()
    1.3125
    """
    losses_ND = F.smooth_l1_loss(outputs_ND.float(), targets_ND, beta=beta, reduction="none")
    return _mean(losses_ND.mean(dim=1), weights_N)


def margin_ranking(scores_N1: Tensor, *, margin: float = 1.0, weights_N: Tensor | None = None) -> Tensor:
    """Computes the mean over pairs of max(0, margin − (s₊ − s₋)): the better picture is to lead by a margin.

    Args:
        scores_N1: N = 2P scores, one a picture; of each two that follow each other the first is of the better one.
        margin: above 0.
        weights_N: weight of each picture, equal within a pair; None where all pairs count alike.

    Source: Herbrich et al. 2000, Large margin rank boundaries for ordinal regression.

    >>> margin_ranking(torch.tensor([[2.0], [1.5], [0.0], [1.0]])).item()
    1.25
    """
    return _mean(torch.relu(margin - _leads(scores_N1)), None if weights_N is None else weights_N[::2])


def pair_logistic(scores_N1: Tensor, *, weights_N: Tensor | None = None) -> Tensor:
    """Computes the mean over pairs of ln(1 + exp(−(s₊ − s₋))): the better one wins with probability σ(s₊ − s₋).

    Args:
        scores_N1, weights_N: as in `margin_ranking`.

    Source: Burges et al. 2005, RankNet; Bradley & Terry 1952.

    >>> round(pair_logistic(torch.zeros(2, 1)).item(), 4)
    0.6931
    """
    return _mean(F.softplus(-_leads(scores_N1)), None if weights_N is None else weights_N[::2])


def _leads(scores_N1: Tensor) -> Tensor:
    """Subtracts in each pair the second score from the first: float32 P."""
    scores_P2 = scores_N1.float().reshape(-1, 2)
    return scores_P2[:, 0] - scores_P2[:, 1]


def _mean(losses_N: Tensor, weights_N: Tensor | None) -> Tensor:
    """Averages losses; weighted ones are summed and divided by their number, so weights of mean 1 keep the step."""
    return losses_N.mean() if weights_N is None else (losses_N * weights_N).sum() / len(losses_N)


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


def build_loss(section: LossSection, weights_K: Tensor | None = None) -> Loss:
    """Gives the training loss of a recipe.

    Args:
        section: decided.
        weights_K: of the classes, see class_weights.py; None where all count alike.
    """
    return LOSSES[decided(section.name)](section, weights_K)


def _cross_entropy(section: LossSection, weights_K: Tensor | None) -> Loss:
    smoothing = decided(section.label_smoothing)

    def of(logits_NK: Tensor, labels_N: Tensor, weights_N: Tensor | None) -> Tensor:
        if weights_K is not None:
            own_N = weights_K[labels_N]
            weights_N = own_N if weights_N is None else own_N * weights_N
        return cross_entropy(logits_NK, labels_N, smoothing=smoothing, weights_N=weights_N)

    return Loss(of)


def _kullback_leibler(section: LossSection, _: Tensor | None) -> Loss:
    smoothing = decided(section.label_smoothing)

    def target(labels_N: Tensor, classes: int) -> Tensor:
        return smoothed(labels_N, classes, smoothing)

    def of(logits_NK: Tensor, labels_N: Tensor, weights_N: Tensor | None) -> Tensor:
        targets_NK = labels_N if labels_N.is_floating_point() else target(labels_N, logits_NK.shape[1])
        return kullback_leibler(logits_NK, targets_NK, weights_N=weights_N)

    return Loss(of, target)


def _logistic(section: LossSection, weights_K: Tensor | None) -> Loss:
    smoothing = decided(section.label_smoothing)

    def of(logits_NK: Tensor, labels_N: Tensor, weights_N: Tensor | None) -> Tensor:
        if labels_N.is_floating_point():
            targets_NK = smoothing + (1.0 - 2.0 * smoothing) * labels_N
        else:
            targets_NK = smoothed(labels_N, logits_NK.shape[1], smoothing)
        return logistic(logits_NK, targets_NK, weights_N=weights_N, positive_K=weights_K)

    return Loss(of)


def _squared_error(_: LossSection, __: Tensor | None) -> Loss:
    return Loss(lambda outputs, targets, weights: squared_error(outputs, targets, weights_N=weights), _as_it_is)


def _absolute_error(_: LossSection, __: Tensor | None) -> Loss:
    return Loss(lambda outputs, targets, weights: absolute_error(outputs, targets, weights_N=weights), _as_it_is)


def _smooth_absolute_error(section: LossSection, _: Tensor | None) -> Loss:
    def of(outputs_ND: Tensor, targets_ND: Tensor, weights_N: Tensor | None) -> Tensor:
        return smooth_absolute_error(outputs_ND, targets_ND, beta=section.beta, weights_N=weights_N)

    return Loss(of, _as_it_is)


def _margin_ranking(section: LossSection, _: Tensor | None) -> Loss:
    return Loss(lambda scores, _, weights: margin_ranking(scores, margin=section.margin, weights_N=weights))


def _pair_logistic(_: LossSection, __: Tensor | None) -> Loss:
    return Loss(lambda scores, _, weights: pair_logistic(scores, weights_N=weights))


def _as_it_is(targets_ND: Tensor, _: int) -> Tensor:
    return targets_ND


LOSSES: dict[str, Callable[[LossSection, Tensor | None], Loss]] = {
    "cross-entropy": _cross_entropy,
    "kl": _kullback_leibler,
    "logistic": _logistic,
    "l2": _squared_error,
    "l1": _absolute_error,
    "smooth-l1": _smooth_absolute_error,
    "margin-ranking": _margin_ranking,
    "pair-logistic": _pair_logistic,
}
"""Every value of `loss.name` and its builder."""
