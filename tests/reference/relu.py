"""The rectifier in NumPy.

Source: Nair & Hinton 2010; CS231n course notes, "Setting up the architecture".
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def forward(inputs: ndarray) -> ndarray:
    """Computes max(0, x), number by number.

    >>> forward(np.array([-2, 0, 3])).tolist()
    [0, 0, 3]
    """
    return np.maximum(inputs, 0)


def backward(gradient: ndarray, inputs: ndarray) -> ndarray:
    """Lets the gradient through where x > 0; at 0, where there is none, it is taken as 0."""
    return gradient * (inputs > 0)
