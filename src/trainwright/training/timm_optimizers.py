"""Any optimizer of timm's list by its name, as timm sets it up. timm takes seconds to import, so it comes late."""

# timm.optim hands its functions on without saying so in the way that type checkers read.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import difflib
import inspect
from importlib.util import find_spec

import torch

from trainwright.errors import InputError
from trainwright.recipe import TIMM_OPTIMIZER

from .parameter_groups import Group

UNFIT = {
    "adahessian": "needs second derivatives, which a training step does not compute",
    "kron": "draws random numbers that its state does not hold, so that a resumed run would be another",
}
"""What cannot be driven here, and why; a name is unfit with every suffix of its kind (kronw, kronc)."""

PACKAGES = {"fused": "apex", "bnb": "bitsandbytes"}
"""How names begin whose code lies in another package."""


def build_timm_optimizer(name: str, groups: list[Group], rate: float) -> torch.optim.Optimizer:
    """Builds an optimizer of timm's list with timm's own settings beside the rate and the groups' decay.

    Raises:
        InputError: as `check_timm_optimizer`.
    """
    check_timm_optimizer(name)
    from timm.optim import create_optimizer_v2

    return create_optimizer_v2(groups, opt=name, lr=rate)


def check_timm_optimizer(name: str) -> None:
    """Makes sure that timm has an optimizer of this name, and that it can be driven.

    Raises:
        InputError: it has none, and the message names the nearest; or it needs what is not here.
    """
    from timm.optim import list_optimizers

    names = list_optimizers()
    if name not in names:
        near = difflib.get_close_matches(name, [str(known) for known in names], n=4, cutoff=0.5)
        raise InputError(
            f"timm has no optimizer '{name}'",
            expected="a name of timm.optim.list_optimizers()",
            got=f"{TIMM_OPTIMIZER}{name}",
            where="optim.name",
            hint=f"did you mean {' or '.join(repr(TIMM_OPTIMIZER + known) for known in near)}?"
            if near
            else "python -c 'import timm.optim; print(*timm.optim.list_optimizers())' prints all names",
        )
    for beginning, reason in UNFIT.items():
        if name.startswith(beginning):
            raise InputError(
                f"the optimizer '{name}' cannot be used: it {reason}", where="optim.name", hint="another, such as adamw"
            )
    package = next((package for beginning, package in PACKAGES.items() if name.startswith(beginning)), None)
    if package is not None and (find_spec(package) is None or not torch.cuda.is_available()):
        raise InputError(
            f"the optimizer '{name}' needs the package {package} and a CUDA device",
            where="optim.name",
            hint=f"another, such as {TIMM_OPTIMIZER}lamb, or install {package} on a machine with a GPU",
        )


def timm_defaults(name: str) -> tuple[float, float]:
    """Gives the learning rate and weight decay that an optimizer of timm's list has when nobody names any.

    Where it has none, or finds its own, the rate is 0.001, as timm's training script would have it be for Adam's kin.

    >>> timm_defaults("lion")
    (0.0001, 0.0)
    """
    from timm.optim import get_optimizer_class

    parameters = inspect.signature(get_optimizer_class(name)).parameters
    rate, decay = (parameters[key].default if key in parameters else None for key in ("lr", "weight_decay"))
    return (float(rate) if isinstance(rate, float) else 1e-3, float(decay) if isinstance(decay, int | float) else 0.0)
