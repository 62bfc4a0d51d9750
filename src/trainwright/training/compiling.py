"""Whether torch.compile works here, asked before anything depends on it."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwright.errors import InputError

from .distributed import ALONE, Ranks


def check_compiling(device: torch.device, ranks: Ranks = ALONE) -> None:
    """Compiles one addition for a device.

    Raises:
        InputError: several ranks, whose batch normalization a compiled net would leave apart; no compiler that torch
            can use: a C++ compiler for a CPU, Triton for a CUDA device.
    """
    if not ranks.alone:
        raise InputError(
            "a compiled net cannot be trained by several ranks: what they exchange inside of it would be left out",
            got=f"{ranks.world} ranks",
            where="machine.compile",
            hint="leave machine.compile out, or train in one process",
        )
    try:
        torch.compile(_one_more)(torch.zeros(1, device=device))
    except RuntimeError as error:
        raise InputError(
            f"torch.compile does not work on this {device.type}",
            expected="a C++ compiler (g++ or clang++)" if device.type == "cpu" else "Triton, and a C compiler",
            got=str(error).strip().splitlines()[0],
            where="machine.compile",
            hint="install the compiler, or leave machine.compile out",
        ) from error


def _one_more(number_1: Tensor) -> Tensor:
    return number_1 + 1
