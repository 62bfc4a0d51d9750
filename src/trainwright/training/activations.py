"""What acts on the outputs of activations while a net learns: a penalty that makes them sparse, and noise.

Both work through forward hooks that are there for the forward pass of a training step and for nothing else: copies of
the net, its evaluation and its checkpoints never see them.

N pictures · F units of a layer, of a map its channels
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models.gains import CLASSES
from trainwright.recipe import FIRING_ACTIVATIONS, RegularizationSection

from .distributed import ALONE, Ranks

FIRING: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    **dict.fromkeys(("Sigmoid", "Hardsigmoid", "HardSigmoid"), lambda a: a),
    "Tanh": lambda a: (1 + a) / 2,
    **dict.fromkeys(("ReLU", "ReLU6", "Softplus"), lambda a: -torch.expm1(-a)),
}
"""Class of an activation → how far a unit fires, from 0 to 1: as it is for values from 0 to 1; (1 + a)/2 for -1 to 1;
1 - exp(-a) for values from 0 on, the probability that a Poisson process of rate a has an event."""

ACTIVATION_MODULES = ("torch.nn.modules.activation", "timm.layers.activations")
NO_ACTIVATIONS = ("MultiheadAttention", "Softmax", "Softmax2d", "LogSoftmax", "Softmin")
"""Classes in torch's file of activations that are none of a unit by itself."""

GATE = "gate"
"""Name that timm gives to the activation whose output scales maps (squeeze and excitation); it is no layer of units."""

LEAST_SHARE = 1e-6
"""Mean firing is held this far from 0 and 1, so that a unit that never fires costs much and not infinitely much."""


def hidden_activations(model: nn.Module) -> list[nn.Module]:
    """Lists the activation modules of a net, in the order in which they were registered, without gates.

    >>> net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Softmax(1))
    >>> hidden_activations(net)
    [ReLU()]
    """
    return [
        module
        for name, module in model.named_modules()
        if _is_activation(type(module)) and name.rpartition(".")[2] != GATE
    ]


def _is_activation(kind: type[nn.Module]) -> bool:
    known = kind.__name__ in CLASSES or kind.__module__ in ACTIVATION_MODULES
    return known and kind.__name__ not in NO_ACTIVATIONS


def check_activations(section: RegularizationSection, model: nn.Module) -> None:
    """Refuses what would not act on this net, or has no meaning there.

    Raises:
        InputError: the net has no activation modules, or some for whose values firing is not defined.
    """
    wanted = [name for name in ("sparsity", "activation_noise") if getattr(section, name) > 0]
    if not wanted:
        return
    kinds = sorted({type(module).__name__ for module in hidden_activations(model)})
    if not kinds:
        raise InputError(
            f"regularization.{wanted[0]} needs activations that are modules of the net, and this net has none",
            expected="modules such as torch.nn.ReLU",
            got=type(model).__name__,
            where=f"regularization.{wanted[0]}",
            hint="another --model, or leave it out",
        )
    names = ", ".join(FIRING_ACTIVATIONS)
    undefined = [kind for kind in kinds if kind not in FIRING]
    if section.sparsity > 0 and undefined:
        raise InputError(
            "how far a unit fires is not defined for activations that have no value at which they rest",
            expected=f"model.activation: {names}, or a net that has them",
            got=", ".join(sorted({CLASSES.get(kind, kind) for kind in undefined})),
            where="regularization.sparsity and model.activation",
            hint=f"--set model.activation={FIRING_ACTIVATIONS[0]}, or regularization.l1 for sparse weights",
        )


def mean_firing(kind: str, output: Tensor) -> Tensor:
    """Averages how far each unit fires, over the batch and, for maps, over their places.

    Args:
        kind: class of the activation, one of FIRING.
        output: N F, tokens N T F, or maps N F H W; summed in float32 at least.

    Returns: F numbers from 0 to 1.

    >>> mean_firing("Tanh", torch.tensor([[-1.0, 0.0], [-1.0, 1.0]]))
    tensor([0.0000, 0.7500])
    """
    exact = output.to(torch.promote_types(output.dtype, torch.float32))
    units = 1 if output.ndim == 4 else output.ndim - 1
    return FIRING[kind](exact).mean([axis for axis in range(output.ndim) if axis != units])


def sparsity_penalty(firing_F: Tensor, target: float) -> Tensor:
    """Sums the divergence KL(ρ ‖ ρ̂) = ρ ln(ρ/ρ̂) + (1-ρ) ln((1-ρ)/(1-ρ̂)) over the units of a layer, in nats.

    Args:
        firing_F: ρ̂, how far each unit fires on average.
        target: ρ, above 0 and below 1.

    Returns: a scalar, 0 where every unit fires as far as wanted.

    Source: Ng 2011, Sparse autoencoder, section 3.

    >>> sparsity_penalty(torch.tensor([0.5, 0.25]), 0.25)
    tensor(0.1308)
    """
    held_F = firing_F.clamp(LEAST_SHARE, 1 - LEAST_SHARE)
    wanted_F = torch.full_like(held_F, target)
    on_F = wanted_F * (wanted_F / held_F).log()
    off_F = (1 - wanted_F) * ((1 - wanted_F) / (1 - held_F)).log()
    return (on_F + off_F).sum()


def with_noise(output: Tensor, strength: float, ranks: Ranks = ALONE) -> Tensor:
    """Adds normal noise to a layer's output, of `strength` times the output's own standard deviation in this batch.

    The deviation is taken over all numbers and carries no gradient, so that a layer cannot drown the noise by growing.
    It is drawn from torch's generator, whose state is in every checkpoint.

    Source: Poole et al. 2014, Analyzing noise in autoencoders and deep networks; the relative scale is our own choice.
    """
    deviation = output.detach().float().std(correction=0) if ranks.alone else _deviation(output.detach().float(), ranks)
    return output + (strength * deviation).to(output.dtype) * torch.randn_like(output)


def _deviation(output: Tensor, ranks: Ranks) -> Tensor:
    """Computes the standard deviation of the numbers of all ranks together."""
    variance, mean = torch.var_mean(output, correction=0)
    count_W, mean_W, variance_W = ranks.stacked(torch.stack([mean.new_tensor(output.numel()), mean, variance])).T
    share_W = count_W / count_W.sum()
    return (share_W * (variance_W + (mean_W - (share_W * mean_W).sum()).square())).sum().sqrt()


def _over_ranks(firing_F: Tensor, pictures: int, ranks: Ranks) -> Tensor:
    """Averages what each rank has averaged over its share of the pictures; keeps the gradient."""
    if ranks.alone:
        return firing_F
    weighted = ranks.summed(torch.cat([firing_F * pictures, firing_F.new_tensor([pictures])]))
    return weighted[:-1] / weighted[-1]


@contextmanager
def acting_on_activations(
    section: RegularizationSection, model: nn.Module, ranks: Ranks = ALONE
) -> Iterator[list[Tensor]]:
    """Lets sparsity and noise act on every call of an activation of a net while it is open; then the hooks are gone.

    Both go by the pictures of all ranks.

    Yields: the penalties λ Σ KL of the calls so far, to be added to the loss; sparsity sees values before the noise.
    """
    penalties: list[Tensor] = []

    def act(module: nn.Module, _inputs: Any, output: Tensor) -> Tensor | None:
        if section.sparsity > 0:
            firing_F = _over_ranks(mean_firing(type(module).__name__, output), len(output), ranks)
            penalties.append(section.sparsity * sparsity_penalty(firing_F, section.sparsity_target))
        return with_noise(output, section.activation_noise, ranks) if section.activation_noise > 0 else None

    with ExitStack() as stack:
        if section.sparsity > 0 or section.activation_noise > 0:
            for module in hidden_activations(model):
                stack.callback(module.register_forward_hook(act).remove)
        yield penalties
