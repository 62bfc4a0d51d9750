"""What training makes small."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class LossSection(Section):
    """The section `loss`."""

    name: Literal["cross-entropy"] = setting(
        "cross-entropy", "`cross-entropy`: softmax cross-entropy, mean over the batch.", source="Bridle 1990"
    )
    label_smoothing: float = setting(
        0.1,
        "Probability mass taken from the right class and spread evenly over the K-1 wrong ones: 1-e on the right "
        "class, e/(K-1) on each other, whereas torch spreads e over all K classes.",
        unit="probability",
        source="Szegedy et al. 2016, in the form e/(K-1)",
        scale="linear",
        ge=0.0,
        lt=1.0,
    )
