"""Fifty-odd kinds of faults, each mild, medium and severe, as changes of a healthy spec.

A kind says which codes name it rightly: the first is its own, others are right, too, where the same mistake has several
names. They were written down before any diagnosis was seen. The detector does not know this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Changes = Mapping[str, Any]

BATCH_NORM = ("plain-bn", "resnet-bn", "depthwise")
UNNORMALIZED = ("vgg", "tanh-mlp", "plain", "lenet")
RELU = ("plain-bn", "vgg", "plain", "resnet-bn")
BARE_RELU = ("vgg", "plain")
TANH = ("tanh-mlp", "lenet")
CONVOLVING = ("plain-bn", "vgg", "resnet-gn", "resnet-bn", "plain", "lenet", "depthwise")
COLOR = ("shapes", "clipart", "stamps")
LEARNED_WELL = ("digits", "shapes", "fashion", "stamps")


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: of the fault.
        codes: of the findings that name it rightly, its own first.
        doses: changes, mild, medium and severe.
        nets, data: on which it can be made; empty for all.
        base: changes that the healthy twin has as well.
        exact: whether a check without any threshold can find it.
    """

    name: str
    codes: tuple[str, ...]
    doses: tuple[Changes, Changes, Changes]
    nets: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    base: Changes = field(default_factory=dict[str, Any])
    exact: bool = False


OPTIMIZATION = (
    Kind("rate-high", ("learning-rate-too-high",), ({"rate": 10.0}, {"rate": 40.0}, {"rate": 1000.0})),
    Kind(
        "rate-high-adam",
        ("learning-rate-too-high",),
        ({"rate": 10.0}, {"rate": 40.0}, {"rate": 300.0}),
        base={"optimizer": "adam"},
    ),
    Kind("rate-low", ("learning-rate-too-low",), ({"rate": 0.03}, {"rate": 0.005}, {"rate": 1e-4})),
    Kind(
        "rate-low-adam",
        ("learning-rate-too-low",),
        ({"rate": 0.05}, {"rate": 0.01}, {"rate": 1e-3}),
        base={"optimizer": "adam"},
    ),
    Kind(
        "epsilon-large",
        ("learning-rate-too-low",),
        ({"epsilon": 0.1}, {"epsilon": 1.0}, {"epsilon": 100.0}),
        base={"optimizer": "adam"},
    ),
    Kind("no-zero-grad", ("stale-gradients",), ({"zero_every": 4}, {"zero_every": 16}, {"zero_every": 0}), exact=True),
    Kind(
        "not-divided",
        ("accumulation-scale", "learning-rate-too-high"),
        (
            {"accumulate": 4, "divide": False},
            {"accumulate": 8, "divide": False},
            {"accumulate": 12, "divide": False, "rate": 2.0},
        ),
        base={"batch": 12},
    ),
    Kind(
        "parameters-missed",
        ("optimizer-misses-parameters",),
        ({"missed": 0.35}, {"missed": 0.7}, {"missed": 0.99}),
        exact=True,
    ),
    Kind(
        "optimizer-of-other",
        ("optimizer-holds-other-model", "optimizer-misses-parameters"),
        ({"replaced": 0.35}, {"replaced": 0.7}, {"replaced": 1.0}),
        exact=True,
    ),
    Kind("frozen", ("frozen-by-mistake",), ({"frozen": 0.35}, {"frozen": 0.7}, {"frozen": 0.99})),
    Kind("clipped", ("clipping-too-tight",), ({"clip": 0.05}, {"clip": 0.005}, {"clip": 1e-4})),
    Kind("decayed", ("weight-decay-too-strong",), ({"decay": 0.05}, {"decay": 0.3}, {"decay": 1.0})),
    Kind(
        "momentum",
        ("momentum-extreme", "learning-rate-too-high"),
        ({"momentum": 0.98}, {"momentum": 0.99}, {"momentum": 0.999}),
    ),
    Kind(
        "schedule-by-batch",
        ("schedule-mismatch",),
        ({"per_step": 0.95}, {"per_step": 0.85}, {"per_step": 0.5}),
    ),
    Kind(
        "schedule-early",
        ("schedule-mismatch",),
        ({"drop": (0.3, 0.01)}, {"drop": (0.1, 0.01)}, {"drop": (0.02, 1e-3)}),
    ),
    Kind("spikes", ("gradient-spikes",), ({"spike": 20.0}, {"spike": 100.0}, {"spike": 1000.0}), UNNORMALIZED),
    Kind("underflow", ("precision-underflow",), ({"underflow": 1e-5}, {"underflow": 1e-6}, {"underflow": 1e-7})),
    Kind("stopped", ("stopped-too-early",), ({"stop_after": 6}, {"stop_after": 3}, {"stop_after": 1})),
)

BUILDING = (
    Kind(
        "constant-start",
        ("symmetric-initialization",),
        ({"constant": 0.3}, {"constant": 0.7}, {"constant": 1.0}),
        exact=True,
    ),
    Kind(
        "start-large",
        ("initialization-too-large", "exploding-gradients", "saturated-units"),
        ({"init_scale": 2.0}, {"init_scale": 4.0}, {"init_scale": 15.0}),
        UNNORMALIZED,
    ),
    Kind(
        "start-small",
        ("initialization-too-small", "vanishing-gradients"),
        ({"init_scale": 0.3}, {"init_scale": 0.1}, {"init_scale": 0.01}),
        UNNORMALIZED,
    ),
    Kind(
        "deep-sigmoid",
        ("vanishing-gradients", "saturated-units", "missing-normalization"),
        ({"activation": "sigmoid"}, {"activation": "sigmoid", "more": 2}, {"activation": "sigmoid", "more": 5}),
        UNNORMALIZED,
    ),
    Kind(
        "saturated",
        ("saturated-units", "initialization-too-large"),
        ({"init_scale": 3.0}, {"init_scale": 6.0}, {"init_scale": 20.0}),
        TANH,
    ),
    Kind(
        "dead-from-start",
        ("dead-units",),
        ({"bias": -1.5, "biased": 0.5}, {"bias": -3.0, "biased": 1.0}, {"bias": -10.0, "biased": 1.0}),
        RELU,
    ),
    Kind("dead-by-rate", ("learning-rate-too-high",), ({"rate": 15.0}, {"rate": 25.0}, {"rate": 60.0}), BARE_RELU),
    Kind(
        "no-activation",
        ("missing-nonlinearity",),
        ({"activation": "none"}, {"activation": "none", "more": 2}, {"activation": "none", "more": 4}),
        exact=True,
    ),
    Kind(
        "deep-bare",
        ("missing-normalization", "vanishing-gradients", "initialization-too-small"),
        ({"more": 3, "init": "torch"}, {"more": 6, "init": "torch"}, {"more": 10, "init": "torch"}),
        UNNORMALIZED,
    ),
    Kind(
        "exploding",
        ("exploding-gradients", "initialization-too-large", "missing-normalization"),
        ({"more": 6, "init_scale": 1.6}, {"more": 6, "init_scale": 2.5}, {"more": 6, "init_scale": 5.0}),
        BARE_RELU,
    ),
    Kind(
        "norm-tiny-batch",
        ("batch-too-small-for-batchnorm", "batch-too-small"),
        ({"batch": 8, "epochs": 5}, {"batch": 4, "epochs": 3}, {"batch": 2, "epochs": 2}),
        BATCH_NORM,
    ),
    Kind(
        "norm-stale",
        ("batchnorm-statistics-stale",),
        ({"norm_momentum": 0.01}, {"norm_momentum": 0.001}, {"norm_momentum": 1e-5}),
        BATCH_NORM,
    ),
    Kind(
        "norm-last-batch",
        ("batchnorm-statistics-stale", "batch-too-small-for-batchnorm"),
        (
            {"norm_momentum": 1.0, "batch": 12},
            {"norm_momentum": 1.0, "batch": 8, "epochs": 6},
            {"norm_momentum": 1.0, "batch": 4, "epochs": 4},
        ),
        BATCH_NORM,
    ),
    Kind(
        "evaluated-in-training",
        ("evaluated-in-train-mode",),
        (
            {"valid_mode": "train", "valid_batch": 160},
            {"valid_mode": "train", "valid_batch": 16},
            {"valid_mode": "train", "valid_batch": 2},
        ),
        (*BATCH_NORM, "vgg"),
        base={"validate": "own"},
        exact=True,
    ),
    Kind(
        "trained-in-evaluation",
        ("trained-in-eval-mode",),
        ({"eval_from": 0.5}, {"eval_from": 0.13}, {"eval_from": 0.0}),
        (*BATCH_NORM, "vgg"),
        exact=True,
    ),
    Kind("small", ("model-too-small",), ({"width": 0.5}, {"width": 0.25}, {"width": 0.1})),
    Kind(
        "overfit",
        ("overfitting",),
        (
            {"pictures": 192, "epochs": 28, "augment": "none"},
            {"pictures": 96, "epochs": 48, "augment": "none"},
            {"pictures": 48, "epochs": 80, "augment": "none"},
        ),
    ),
    Kind(
        "stride", ("resolution-lost-early",), ({"stem_stride": 4}, {"stem_stride": 8}, {"stem_stride": 16}), CONVOLVING
    ),
    Kind("head", ("head-size-mismatch",), ({"outputs": 4.0}, {"outputs": 20.0}, {"outputs": 200.0})),
)

OUTPUTS = (
    Kind(
        "softmax-twice",
        ("softmax-twice",),
        ({"loss": "of softmax", "rate": 5.0}, {"loss": "of softmax"}, {"loss": "of softmax", "rate": 0.2}),
        exact=True,
    ),
    Kind(
        "nll-without-log",
        ("negative-loss",),
        ({"loss": "nll of softmax"}, {"loss": "nll of sigmoid"}, {"loss": "nll of scores"}),
        exact=True,
    ),
    Kind(
        "sum",
        ("loss-reduction-sum", "learning-rate-too-high"),
        ({"loss": "sum", "batch": 8, "epochs": 5}, {"loss": "sum"}, {"loss": "sum", "batch": 64, "rate": 2.0}),
    ),
    Kind(
        "sign",
        ("loss-sign-flipped", "negative-loss"),
        ({"sign": -1.0, "sign_from": 0.5}, {"sign": -0.1}, {"sign": -1.0}),
    ),
    Kind("weights", ("class-weights-harmful",), ({"weight": 10.0}, {"weight": 50.0}, {"weight": 1000.0})),
    Kind("soft-targets", ("targets-too-soft",), ({"smoothing": 0.6}, {"smoothing": 0.8}, {"smoothing": 0.97})),
)

DATA = (
    Kind("labels-shuffled", ("labels-shuffled", "labels-noisy"), ({"noise": 0.9}, {"noise": 0.97}, {"noise": 1.0})),
    Kind("labels-noisy", ("labels-noisy",), ({"noise": 0.2}, {"noise": 0.4}, {"noise": 0.6})),
    Kind("classes-swapped", ("classes-swapped",), ({"swapped": 0.6}, {"swapped": 0.8}, {"swapped": 1.0})),
    Kind("rare", ("class-imbalance-harmful",), ({"rare": 0.15}, {"rare": 0.06}, {"rare": 0.02}), data=LEARNED_WELL),
    Kind("sorted", ("not-shuffled",), ({"block": 192}, {"block": 96}, {"block": 1})),
    Kind(
        "leak",
        ("train-validation-leak",),
        ({"leak": 0.2}, {"leak": 0.5}, {"leak": 1.0}),
        base={"augment": "none"},
        exact=True,
    ),
    Kind(
        "validation-shifted",
        ("validation-shifted", "preprocessing-differs"),
        ({"shift": 1.0}, {"blur": 5}, {"snow": 2.0}),
    ),
    Kind(
        "validation-unlike",
        ("preprocessing-differs", "validation-shifted"),
        ({"valid_scale": 0.4}, {"valid_center": False}, {"valid_scale": 80.0}),
    ),
    Kind(
        "augmentation-harmful",
        ("augmentation-harmful",),
        ({"augment": "turned"}, {"augment": "cut"}, {"augment": "snow"}),
    ),
    Kind(
        "augmentation-on-validation",
        ("augmentation-on-validation",),
        ({"augment_valid": "heavy"}, {"augment_valid": "cut"}, {"augment_valid": "snow"}),
        exact=True,
    ),
    Kind(
        "unscaled",
        ("input-not-scaled",),
        ({"center": False, "scale": 16.0}, {"center": False, "scale": 255.0}, {"center": False, "scale": 65025.0}),
    ),
    Kind(
        "blank-channel",
        ("input-channel-constant",),
        ({"blank": 0.3}, {"blank": 0.6}, {"blank": 1.0}),
        data=COLOR,
        exact=True,
    ),
    Kind(
        "batch-tiny",
        ("batch-too-small", "learning-rate-too-high"),
        ({"batch": 4, "epochs": 3}, {"batch": 2, "epochs": 2}, {"batch": 1, "epochs": 1}),
        ("resnet-gn", "vgg", "plain", "lenet", "tanh-mlp"),
    ),
    Kind(
        "validation-tiny",
        ("validation-too-small",),
        ({"valid_pictures": 40}, {"valid_pictures": 20}, {"valid_pictures": 8}),
    ),
    Kind(
        "not-finite",
        ("non-finite-loss", "pictures-unusable"),
        ({"broken": 1}, {"broken": 3}, {"broken": 30}),
        exact=True,
    ),
)

KINDS = (*OPTIMIZATION, *BUILDING, *OUTPUTS, *DATA)
STRENGTHS = ("mild", "medium", "severe")
