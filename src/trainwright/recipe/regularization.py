"""What holds the weights small, beside weight decay."""

from __future__ import annotations

from .section import Section, setting


class RegularizationSection(Section):
    """The section `regularization`. Filters and matrices only: biases, normalizations and PReLU slopes are free."""

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
