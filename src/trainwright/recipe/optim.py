"""How weights move."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Find, Section, setting

OWN_OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
TIMM_OPTIMIZER = "timm:"
"""What stands in front of the name of an optimizer of timm's list."""


class OptimSection(Section):
    """The section `optim`."""

    name: str = setting(
        "sgd",
        "`sgd`: stochastic gradient descent with the settings momentum and nesterov, which has a momentum of 0.9 that "
        "looks ahead unless told otherwise; `momentum`: v = γv + g, w −= αv; `nesterov`: the same, looking ahead; "
        "`adagrad`, `rmsprop`, `adam`: the step divided by the root of the squared gradients' sum or mean; `adamw`: "
        "Adam with decoupled weight decay; `timm:lion` and so on: any optimizer of timm's list, as timm sets it up.",
        source="Robbins & Monro 1951; Polyak 1964; Nesterov 1983; Duchi et al. 2011; Hinton 2012, lecture 6e; Kingma & "
        "Ba 2015; Loshchilov & Hutter 2019; timm",
        pattern=rf"^({'|'.join(OWN_OPTIMIZERS)}|{TIMM_OPTIMIZER}[a-z0-9]+)$",
        examples=(*OWN_OPTIMIZERS, f"{TIMM_OPTIMIZER}lion"),
        also_called={
            "sgd": ("gradient-descent", "gd"),
            "momentum": ("heavy-ball", "polyak"),
            "nesterov": ("nag", "nesterov-momentum"),
            "adamw": ("adam-w",),
            f"{TIMM_OPTIMIZER}lion": ("lion",),
        },
    )
    lr: float | Auto | Find = setting(
        "auto",
        "Peak learning rate of the schedule. `auto`: by optimizer and batch size, and less in runs of fewer than 200 "
        "steps. `find`: by a range test on the data before the first step, for which `--lr auto` is short; the rate "
        "that was found then stands here. See docs/learning-rate.md.",
        unit="learning rate",
        source="own choice (auto); Smith 2017, section 3.3 (find)",
        scale="log",
        gt=0.0,
        le=100.0,
    )
    weight_decay: float | Auto = setting(
        "auto",
        "Decay of filters and matrices; biases, normalization parameters and PReLU slopes are not decayed. `adamw` "
        "shrinks the weights by lr times it, our others add it times the weights to the gradient. `auto`: 5e-4 (sgd, "
        "momentum, nesterov), 0.05 (adamw), timm's own, else 0; 0 beside regularization.l1 or l2.",
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
        applies={"name": ("sgd", "momentum", "nesterov")},
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
        applies={"name": ("adam", "adamw")},
        ge=0.0,
        lt=1.0,
    )
    beta2: float = setting(
        0.999,
        "Decay of the running mean of the squared gradient.",
        source="Kingma & Ba 2015",
        applies={"name": ("adam", "adamw")},
        ge=0.0,
        lt=1.0,
    )
    rho: float = setting(
        0.99,
        "Decay of the running mean of the squared gradient; torch.optim calls it alpha.",
        source="Hinton 2012, lecture 6e; the default is torch.optim's",
        applies={"name": ("rmsprop",)},
        ge=0.0,
        lt=1.0,
    )
    eps: float = setting(
        1e-8,
        "Added to the root by which the step is divided, outside the root.",
        source="Kingma & Ba 2015; outside the root as in torch.optim",
        applies={"name": ("adagrad", "rmsprop", "adam", "adamw")},
        gt=0.0,
        le=1.0,
    )
    layer_decay: float = setting(
        1.0,
        "Each layer's learning rate as a share of that of the layer above it, so that rates fall from the head, which "
        "has lr, towards the input. 1: all alike.",
        unit="share of the rate above",
        source="Howard & Ruder 2018 (ULMFiT); Clark et al. 2020 (ELECTRA)",
        scale="linear",
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
    accumulate: int | Literal["all"] = setting(
        1,
        "Batches whose gradients are averaged into one optimizer step. The last step of an epoch may have fewer. "
        "`all`: every step sees all training pictures, full-batch gradient descent; none is left out, and they go "
        "through the net in nearly equal batches of at most batch_size.",
        unit="batches",
        source="Cauchy 1847 (all)",
        ge=1,
        le=4096,
    )
    clip_norm: float | Auto = setting(
        "auto",
        "Largest norm of the whole gradient; longer gradients are scaled down to it. 0: off. `auto`: 3 with the "
        "loss l2, whose gradient has no bound, else 0; 0 beside another clipping.",
        unit="gradient norm",
        source="Pascanu et al. 2013",
        scale="log",
        ge=0.0,
        le=1e6,
    )
    clip_value: float = setting(
        0.0,
        "Largest magnitude of each number in the gradient; larger ones are cut to it. 0: off.",
        unit="gradient",
        source="Mikolov 2012",
        scale="log",
        ge=0.0,
        le=1e6,
    )
    clip_adaptive: float = setting(
        0.0,
        "Largest norm of each unit's gradient as a share of the norm of its weights; longer ones are scaled down to "
        "it. The head is left alone. 0.01 is usual. 0: off.",
        unit="share of the weights' norm",
        source="Brock et al. 2021 (NFNet), equation 3",
        scale="log",
        ge=0.0,
        le=1e6,
    )
