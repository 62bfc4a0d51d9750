"""What holds weights small beside weight decay: L1 and L2, as terms of the loss or decoupled from it, and max-norm.

All act on what decays (filters and matrices), outside the compiled net and in float32, once a step, however many
batches it has.
"""

from __future__ import annotations

import torch

from trainwright.recipe import RegularizationSection

from .parameter_groups import decaying_weights


@torch.no_grad()
def add_penalty(section: RegularizationSection, optimizer: torch.optim.Optimizer) -> float | None:
    """Adds the gradient of λ₁ Σ|w| + ½ λ₂ Σw² to the gradients: λ₁ sign(w) + λ₂ w.

    Returns: the penalty itself, before the step; None where there is none, or it is decoupled.

    Source: Goodfellow et al. 2016, equations 7.2 and 7.19.
    """
    if section.decoupled or (section.l1 == 0 and section.l2 == 0):
        return None
    weights = [weight for weight in decaying_weights(optimizer) if weight.grad is not None]
    for weight in weights:
        assert weight.grad is not None
        if section.l1 > 0:
            weight.grad.add_(weight.sign(), alpha=section.l1)
        if section.l2 > 0:
            weight.grad.add_(weight, alpha=section.l2)
    penalties = [section.l1 * weight.abs().sum() + section.l2 / 2 * weight.square().sum() for weight in weights]
    return float(torch.stack(penalties).sum()) if penalties else 0.0


@torch.no_grad()
def shrink(section: RegularizationSection, optimizer: torch.optim.Optimizer) -> None:
    """Shrinks weights by the rate times λ₂ of what they are, before the optimizer's own step, as AdamW does.

    Source: Loshchilov & Hutter 2019, algorithm 2.
    """
    if section.decoupled and section.l2 > 0:
        for group in optimizer.param_groups:
            for weight in group["params"] if group["decays"] else ():
                weight.mul_(1 - group["lr"] * section.l2)


@torch.no_grad()
def bring_back(section: RegularizationSection, optimizer: torch.optim.Optimizer) -> None:
    """Brings weights back after the step: towards 0 by the rate times λ₁, then into the ball of `max_norm`.

    Source: soft threshold: Daubechies et al. 2004, equation 2.3; max-norm: Srivastava et al. 2014, section 5.1.
    """
    if section.decoupled and section.l1 > 0:
        for group in optimizer.param_groups:
            for weight in group["params"] if group["decays"] else ():
                weight.copy_(torch.nn.functional.softshrink(weight, group["lr"] * section.l1))
    hold_norms(section, optimizer)
    hold_shares(optimizer)


@torch.no_grad()
def hold_shares(optimizer: torch.optim.Optimizer) -> None:
    """Brings shares such as ρ of batch-instance normalization back into [0, 1].

    Source: Nam & Kim 2018, equation 4.
    """
    for group in optimizer.param_groups:
        for share in group["params"] if group.get("shares") else ():  # checkpoints from before there were any
            share.clamp_(0.0, 1.0)


@torch.no_grad()
def hold_norms(section: RegularizationSection, optimizer: torch.optim.Optimizer) -> None:
    """Shortens the incoming weights of every unit to a norm of at most `max_norm`; shorter ones stay as they are.

    A unit is a slice along the first axis: an output of a linear layer, a filter of a convolution.
    """
    if section.max_norm > 0:
        for weight in decaying_weights(optimizer):
            weight.renorm_(2, 0, section.max_norm)
