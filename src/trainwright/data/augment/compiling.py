"""Compiling by numba, and what needs nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function, and keeps the machine code where numba finds a folder that can be written."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # numba's words for "no such folder"; then each process compiles for itself.
        return numba.njit(nogil=True)(function)


@compiled
def sum_channels(images_NCHW: Any, sums_NC: Any, first: int, last: int) -> None:
    """Adds up the stored values of each channel of pictures first … last - 1 into int64."""
    for picture in range(first, last):
        for channel in range(images_NCHW.shape[1]):
            total = 0
            for value in images_NCHW[picture, channel].reshape(-1):
                total += value
            sums_NC[picture, channel] = total
