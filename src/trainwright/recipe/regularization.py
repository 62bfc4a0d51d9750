"""What holds the weights small, beside weight decay, and the activations sparse or noisy."""

from __future__ import annotations

from .section import Section, setting


class RegularizationSection(Section):
    """The section `regularization`. Of weights only filters and matrices: biases, normalizations and PReLU slopes are
    free."""

    l1: float = setting(
        0.0,
        "λ₁: λ₁ Σ|w| is added to the loss, which makes many weights nearly 0. With l2: the elastic net. 0: off.",
        unit="loss/weight",
        source="Tibshirani 1996; elastic net: Zou & Hastie 2005",
        scale="log",
        ge=0.0,
        le=10.0,
    )
    l2: float = setting(
        0.0,
        "λ₂: ½ λ₂ Σw² is added to the loss. 0: off.",
        unit="loss/weight²",
        source="Tikhonov 1943; Krogh & Hertz 1992",
        scale="log",
        ge=0.0,
        le=10.0,
    )
    decoupled: bool = setting(
        False,
        "Leave the loss alone and move the weights themselves in every step: towards 0 by the rate times λ₁, stopping "
        "there, and by the rate times λ₂ of what they are. Needs l1 or l2 above 0.",
        source="Loshchilov & Hutter 2019 (l2); soft threshold: Daubechies et al. 2004 (l1)",
    )
    max_norm: float = setting(
        0.0,
        "Largest norm of each unit's incoming weights (of a convolution: of each filter); longer ones are shortened to "
        "it after every step. 3 to 4 is usual with dropout. 0: off.",
        unit="weight norm",
        source="Srebro & Shraibman 2005; Srivastava et al. 2014, section 5.1",
        scale="log",
        ge=0.0,
        le=1e6,
    )
    sparsity: float = setting(
        0.0,
        "λ: λ Σ KL(ρ ‖ ρ̂) over all units is added to the loss, ρ̂ how far a unit fires on average over the batch (of a "
        "map: a channel, over its places, too). Defined for sigmoid, tanh, ReLU and softplus. 0: off.",
        unit="loss/nat",
        source="Ng 2011, Sparse autoencoder; for ReLU our own choice",
        scale="log",
        ge=0.0,
        le=100.0,
    )
    sparsity_target: float = setting(
        0.05,
        "ρ: how far a unit should fire on average, from 0 (never) to 1 (always and fully).",
        unit="share of full firing",
        source="Ng 2011, Sparse autoencoder",
        scale="log",
        needs="sparsity",
        gt=0.0,
        lt=1.0,
    )
    activation_noise: float = setting(
        0.0,
        "Normal noise added to the output of every activation in training, in standard deviations of that output in "
        "the batch. For noise on the pictures: `augment.noise`. 0: off.",
        unit="standard deviations",
        source="Poole et al. 2014",
        scale="log",
        ge=0.0,
        le=10.0,
    )
