"""What was done to a run of the corpus, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

NETS = {
    "plain-bn": "four convolutions with batch normalization",
    "vgg": "pairs of convolutions with pooling between",
    "tanh-mlp": "five hidden layers with tanh",
    "resnet-gn": "two residual blocks with group normalization",
    "resnet-bn": "two residual blocks with batch normalization",
    "plain": "three convolutions and a hidden layer",
    "lenet": "two convolutions and two hidden layers with tanh",
    "depthwise": "inverted residual blocks with batch normalization",
}

DATA = {
    "digits": "scanned digits",
    "shapes": "drawn shapes",
    "clipart": "clip art of six folders",
    "fashion": "Fashion-MNIST",
    "stamps": "photographs of ten things",
    "uneven": "stripes of six directions, unevenly many",
}

OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
LOSSES = {
    "of softmax": "cross-entropy of a softmax",
    "nll of softmax": "the negative log-likelihood of probabilities without their logarithm",
    "nll of sigmoid": "the negative log-likelihood of sigmoids without their logarithm",
    "nll of scores": "the negative log-likelihood of raw scores",
    "sum": "cross-entropy summed over the batch",
}
CHANGES = {
    "turned": "turned by any angle and flipped",
    "cut": "covered by a square of 0.8 of their side",
    "snow": "under noise of three times their deviation",
    "heavy": "turned, moved, cut and under noise",
    "upside down": "upside down, all of them",
    "none": "not augmented",
}


def _share(value: float) -> str:
    return "all" if value >= 1 else f"{value:.0%} of"


DONE: Mapping[str, Callable[[Any], str]] = {
    "rate": lambda v: f"the learning rate is {v:g} times the one that suits the net",
    "epsilon": lambda v: f"Adam's epsilon is {v:g}",
    "zero_every": lambda v: f"gradients are set to zero every {v} steps" if v else "gradients are never set to zero",
    "accumulate": lambda v: f"gradients of {v} batches make a step",
    "divide": lambda v: "the loss is not divided by their number",
    "missed": lambda v: f"the optimizer does not hold the first {v:.0%} of the layers with weights",
    "replaced": lambda v: f"{_share(v)} the layers got new parameters after the optimizer was built",
    "frozen": lambda v: f"the first {v:.0%} of the layers with weights are frozen as they were drawn",
    "clip": lambda v: f"gradients are clipped at a norm of {v:g}",
    "decay": lambda v: f"weight decay is {v:g}",
    "momentum": lambda v: f"momentum is {v:g}",
    "per_step": lambda v: f"the rate is multiplied by {v:g} after every step instead of every epoch",
    "drop": lambda v: f"the rate falls to {v[1]:g} of itself after {v[0]:.0%} of the steps",
    "schedule": lambda v: f"the schedule is {v}",
    "spike": lambda v: f"every 25th batch is {v:g} times as bright",
    "underflow": lambda v: f"gradients pass through float16 at {v:g} of their size",
    "stop_after": lambda v: f"training ends after {v} of the planned epochs",
    "constant": lambda v: f"the weights of {_share(v)} the layers begin all equal",
    "init_scale": lambda v: f"the first weights are {v:g} times the usual",
    "activation": lambda v: "no activation stands between its layers" if v == "none" else f"its activation is {v}",
    "more": lambda v: f"it has {v} layers more",
    "init": lambda v: "its first weights are PyTorch's own" if v == "torch" else f"its first weights deviate by {v:g}",
    "bias": lambda v: f"biases begin at {v:g}",
    "biased": lambda v: f"those of {_share(v)} the layers",
    "batch": lambda v: f"batches hold {v} picture{'s' if v > 1 else ''}",
    "epochs": lambda v: f"it is trained for {v} epoch{'s' if v > 1 else ''}",
    "norm_momentum": lambda v: f"running statistics take up {v:g} of each batch",
    "validate": lambda v: "the loop validates by itself" if v == "own" else "it is not validated",
    "valid_mode": lambda v: "validation runs in training mode",
    "valid_batch": lambda v: f"in batches of {v}",
    "eval_from": lambda v: f"the net stays in evaluation mode from {v:.0%} of the steps on",
    "width": lambda v: f"it has {v:g} times its usual channels",
    "pictures": lambda v: f"it has {v} training pictures",
    "stem_stride": lambda v: f"its first convolution has stride {v}",
    "outputs": lambda v: f"it has {v:g} times as many outputs as there are classes",
    "loss": lambda v: f"the loss is {LOSSES[v]}",
    "sign": lambda v: f"the loss is multiplied by {v:g}",
    "sign_from": lambda v: f"from {v:.0%} of the steps on",
    "weight": lambda v: f"the first class weighs {v:g} times as much as others in the loss",
    "smoothing": lambda v: f"label smoothing is {v:g}",
    "noise": lambda v: f"{_share(v)} the training labels are drawn anew",
    "swapped": lambda v: f"{_share(v)} the training pictures of two classes bear the other's name",
    "rare": lambda v: f"{v:.0%} of the training pictures of all classes but one are left",
    "block": lambda v: "pictures come sorted by class" + (f", shuffled in blocks of {v}" if v > 1 else ""),
    "leak": lambda v: f"{_share(v)} the validation pictures are training pictures",
    "shift": lambda v: f"validation pictures are brighter by {v:g} deviations",
    "blur": lambda v: f"validation pictures are blurred over {v}×{v} pixels",
    "snow": lambda v: f"validation pictures are under noise of {v:g} deviations",
    "valid_scale": lambda v: f"validation pictures are multiplied by {v:g}",
    "valid_center": lambda v: "validation pictures are not centered",
    "augment": lambda v: f"training pictures are {CHANGES[v]}",
    "augment_valid": lambda v: f"validation pictures are {CHANGES[v]}",
    "center": lambda v: "pictures are not centered",
    "scale": lambda v: f"their numbers are multiplied by {v:g}",
    "blank": lambda v: f"{_share(v)} the channels hold one value",
    "valid_pictures": lambda v: f"{v} validation pictures are left",
    "broken": lambda v: f"{v} training picture{'s hold' if v > 1 else ' holds'} a NaN",
}
"""Field of a spec → what its value does to the run."""


def told(spec: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Words a run: its net, its data, its optimizer, and what was done to it.

    Args:
        spec: of the run, without what is as usual.
        changes: those of its fields that make the fault, in the order in which they are told.

    >>> told({"net": "plain", "data": "digits", "clip": 0.005}, {"clip": 0.005})
    'three convolutions and a hidden layer on scanned digits, by SGD: gradients are clipped at a norm of 0.005'
    """
    optimizer = OPTIMIZERS[spec.get("optimizer", "sgd")]
    done = ", ".join(DONE[name](spec[name]) for name in changes if name in spec)
    run = f"{NETS[spec['net']]} on {DATA[spec['data']]}, by {optimizer}"
    return f"{run}: {done}" if done else run
