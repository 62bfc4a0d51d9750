"""All that decides about a run of the corpus, in one frozen record; its defaults are those of a healthy run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A run. Shares go from 0 to 1; `strength`-like numbers say what they are; None is the ordinary way.

    Attributes of the data:
        pictures, valid_pictures: how many are kept.
        noise: share of training labels drawn anew. swapped: share of two classes' training pictures that carry the
            other's name. rare: share kept of training pictures of all classes but the first. leak: share of validation
            pictures that are training pictures. block: pictures sorted by class come in blocks of so many, shuffled
            within; None shuffles all. broken: number of training pictures with a NaN.
        center, scale: whether pictures are standardized, and a factor on top; `valid_scale`, `valid_center` those of
            validation where they differ. blank: share of channels that are constant.
        shift, blur, snow: brightness added to validation pictures in deviations, side of the box they are blurred
            with, and deviation of noise.
        augment: by name; `augment_valid` that of validation. mixup: whether pairs are blended.
    Of the net:
        width, activation, more, stem_stride, outputs (factor), norm, norm_momentum, dropout: see nets.py.
        init: a rule, or a deviation. init_scale: factor on weights. constant: share of the weighing layers, from the
            input, whose weights are all equal. bias: added to the biases before activations, `biased` says of which
            share of the layers from the input.
        pretrained: epochs of training on the same kind of pictures before anybody watched.
        frozen: share of the weighing layers, from the input, that take no gradient.
    Of the loss:
        loss: which function of what. sign: factor on it, from share `sign_from` of training on. smoothing, weight: of
            the first class (None: all the same; 0: balanced by counts).
    Of the optimizer:
        rate: factor on the net's good one. decay, momentum, epsilon. schedule; `drop` (share of training, factor)
            multiplies the rate once; `per_step` multiplies it every step. clip: norm. accumulate: batches a step;
            divide: whether the loss is. zero_every: steps between zero_grad calls, 0 for never. missed: share of
            the weighing layers, from the input, that the optimizer does not hold. replaced: share that were made anew
            after the optimizer. underflow: factor before gradients are rounded to float16 and after (its inverse).
            spike: factor on every 25th batch.
    Of the loop:
        epochs, stop_after (epochs, whatever was planned), batch; validate (`watch`: by w.validate, `own`: by a
        function of the loop's own, or none), valid_mode, valid_batch: of the own one. eval_from: share of training from
        which the net stays in evaluation mode. autocast: bfloat16.
    """

    net: str
    data: str
    seed: int = 0
    pictures: int | None = None
    valid_pictures: int | None = None
    noise: float = 0.0
    swapped: float = 0.0
    rare: float = 1.0
    leak: float = 0.0
    block: int | None = None
    broken: int = 0
    center: bool = True
    scale: float = 1.0
    valid_center: bool | None = None
    valid_scale: float | None = None
    blank: float = 0.0
    shift: float = 0.0
    blur: int = 1
    snow: float = 0.0
    augment: str = "light"
    augment_valid: str = "none"
    mixup: bool = False
    width: float = 1.0
    activation: Literal["relu", "leaky", "tanh", "sigmoid", "none", "gelu"] | None = None
    more: int = 0
    stem_stride: int = 2
    outputs: float = 1.0
    norm: bool = True
    norm_momentum: float = 0.1
    dropout: float | None = None
    init: float | Literal["by activation", "torch"] = "by activation"
    init_scale: float = 1.0
    constant: float = 0.0
    bias: float = 0.0
    biased: float = 1.0
    pretrained: int = 0
    frozen: float = 0.0
    loss: Literal["cross entropy", "of softmax", "nll of softmax", "nll of sigmoid", "nll of scores", "sum"] = (
        "cross entropy"
    )
    sign: float = 1.0
    sign_from: float = 0.0
    smoothing: float = 0.0
    weight: float | None = None
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = "sgd"
    rate: float = 1.0
    decay: float = 1e-4
    momentum: float = 0.9
    epsilon: float = 1e-8
    schedule: Literal["constant", "cosine", "warm-up", "one-cycle", "restarts", "steps"] = "cosine"
    drop: tuple[float, float] | None = None
    per_step: float = 1.0
    clip: float | None = None
    accumulate: int = 1
    divide: bool = True
    zero_every: int = 1
    missed: float = 0.0
    replaced: float = 0.0
    underflow: float | None = None
    spike: float = 1.0
    epochs: int = 12
    stop_after: int | None = None
    batch: int = 24
    validate: Literal["watch", "own", "none"] = "watch"
    valid_mode: Literal["eval", "train"] = "eval"
    valid_batch: int = 200
    eval_from: float | None = None
    autocast: bool = False
