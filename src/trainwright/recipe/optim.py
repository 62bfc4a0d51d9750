"""How weights move."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting


class OptimSection(Section):
    """The section `optim`."""

    name: Literal["sgd", "adamw"] = setting(
        "sgd",
        "`sgd`: stochastic gradient descent with momentum; `adamw`: Adam with decoupled weight decay.",
        source="Sutskever et al. 2013; Loshchilov & Hutter 2019",
    )
    lr: float | Auto = setting(
        "auto",
        "Peak learning rate of the schedule. `auto`: by optimizer and batch size.",
        unit="learning rate",
        source="own choice",
        scale="log",
        gt=0.0,
        le=100.0,
    )
    weight_decay: float | Auto = setting(
        "auto",
        "Decay of convolution and linear weights; biases and normalization parameters are not decayed. SGD adds "
        "it to the gradient, AdamW shrinks the weights by lr times it. `auto`: 5e-4 (sgd), 0.05 (adamw).",
        unit="1/step",
        source="Krogh & Hertz 1992; Loshchilov & Hutter 2019",
        scale="log",
        ge=0.0,
        le=10.0,
    )
    momentum: float = setting(
        0.9,
        "Share of the last velocity that is kept.",
        source="Sutskever et al. 2013",
        scale="linear",
        applies={"name": ("sgd",)},
        ge=0.0,
        lt=1.0,
    )
    nesterov: bool = setting(
        True,
        "Look ahead along the velocity before the gradient is applied. Needs momentum above 0.",
        source="Nesterov 1983; Sutskever et al. 2013",
        applies={"name": ("sgd",)},
        needs="momentum",
    )
    beta1: float = setting(
        0.9,
        "Decay of the running mean of the gradient.",
        source="Kingma & Ba 2015",
        applies={"name": ("adamw",)},
        ge=0.0,
        lt=1.0,
    )
    beta2: float = setting(
        0.999,
        "Decay of the running mean of the squared gradient.",
        source="Kingma & Ba 2015",
        applies={"name": ("adamw",)},
        ge=0.0,
        lt=1.0,
    )
    eps: float = setting(
        1e-8,
        "Added to the root of the second moment.",
        source="Kingma & Ba 2015; torch.optim puts it outside the root",
        applies={"name": ("adamw",)},
        gt=0.0,
        le=1.0,
    )
    batch_size: int | Auto = setting(
        "auto",
        "Pictures a batch. `auto`: by the number of training pictures.",
        unit="pictures",
        source="own choice",
        scale="log",
        ge=1,
        le=65_536,
    )
    accumulate: int = setting(
        1,
        "Batches whose gradients are averaged into one optimizer step. The last step of an epoch may have fewer.",
        unit="batches",
        source="own choice",
        ge=1,
        le=4096,
    )
    clip_norm: float = setting(
        0.0,
        "Largest norm of the whole gradient; longer gradients are scaled down to it. 0: off.",
        unit="gradient norm",
        source="Pascanu et al. 2013",
        scale="log",
        ge=0.0,
        le=1e6,
    )
