"""Softmax and cross-entropy in NumPy, as one function of the scores.

N pictures · K classes

Source: Bridle 1990; CS231n course notes, "Linear classification", softmax classifier; smoothing: Szegedy et al. 2016,
section 7, in the form that spares the right class.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def smoothed(labels_N: ndarray, classes: int, smoothing: float = 0.0) -> ndarray:
    """Gives the wanted probabilities t, N K: 1 − ε on the right class and ε/(K − 1) on each other.

    >>> smoothed(np.array([1]), 3, 0.5).tolist()
    [[0.25, 0.5, 0.25]]
    """
    targets_NK = np.full((len(labels_N), classes), smoothing / (classes - 1))
    targets_NK[np.arange(len(labels_N)), labels_N] = 1 - smoothing
    return targets_NK


def softmax(scores_NK: ndarray) -> ndarray:
    """Computes p = exp(s) / Σ exp(s); the largest score is taken off first, which changes nothing and cannot overflow.

    >>> softmax(np.log([[1.0, 2.0, 1.0]])).round(12).tolist()
    [[0.25, 0.5, 0.25]]
    """
    return np.exp(_log_softmax(scores_NK))


def forward(scores_NK: ndarray, targets_NK: ndarray) -> float:
    """Computes L = −(1/N) Σₙ Σ_k t ln p, in nats."""
    return float(-(targets_NK * _log_softmax(scores_NK)).sum(axis=1).mean())


def backward(scores_NK: ndarray, targets_NK: ndarray) -> ndarray:
    """Computes ∂L/∂s = (p − t) / N: by how much each answer is too likely."""
    return (softmax(scores_NK) - targets_NK) / len(scores_NK)


def _log_softmax(scores_NK: ndarray) -> ndarray:
    shifted_NK = scores_NK - scores_NK.max(axis=1, keepdims=True)
    return shifted_NK - np.log(np.exp(shifted_NK).sum(axis=1, keepdims=True))
