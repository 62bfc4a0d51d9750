"""First values of the weights: one function a scheme, over all convolutions and linear layers of any net.

What a scheme leaves alone: scales and shifts of normalizations (also those that start at 0), embeddings, and tensors
that a model keeps outside of such layers (class tokens, layer scales, the joint projection of torch's own attention).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.recipe import InitSection

from .centered import center_weights
from .gains import find_activation, gain
from .heads import affine_layers, head_layers

HEAD_STD = 0.01
"""Small, so that the first logits are near 0 and the first loss near ln K; not 0, so that the first gradient already
reaches the layers below."""


@dataclass(frozen=True)
class Layer:
    """What a scheme may know of a layer whose weights it draws.

    Attributes:
        fan_in: numbers that each output is summed from.
        fan_out: outputs that each input goes into, where the stride is 1.
        groups: parts that do not see each other; fans count one part.
        gain: of the net's activation.
        std: the recipe's `init.std`.
    """

    fan_in: int
    fan_out: int
    groups: int
    gain: float
    std: float


def initialize(model: nn.Module, section: InitSection) -> None:
    """Draws the weights of a net from torch's global generator, as a decided recipe says, and sets biases to 0.

    `native` leaves all as it is. `lsuv` and `data-dependent` only begin here: `fit_to_pictures` ends them.

    Args:
        model: any net on the CPU; changed in place.
        section: decided, that is without `auto`.

    Raises:
        InputError: weights that are all equal cannot be centered and normalized.

    >>> net = nn.Sequential(nn.Linear(500, 400), nn.ReLU())
    >>> initialize(net, InitSection(scheme="kaiming"))
    >>> round(net[0].weight.std().item(), 2)
    0.06
    """
    if section.scheme != "native":
        _draw_all(model, section)
    if section.centered_weight_norm:
        center_weights(model)


@torch.no_grad()
def set_class_prior(model: nn.Module, shares_K: Sequence[float]) -> None:
    """Sets the bias of the last layer to ln p, so that a net without signal answers every picture with the shares.

    Args:
        model: changed in place.
        shares_K: share p of each class in the training part, all above 0.

    Raises:
        InputError: the last layer has no bias for each class.

    Source: Karpathy 2019, A Recipe for Training Neural Networks ("init well"); Lin et al. 2017, section 4.1.
    """
    biases = [layer.bias for layer in head_layers(model).values()]
    fitting = [bias for bias in biases if isinstance(bias, Tensor) and len(bias) == len(shares_K)]
    if not fitting:
        raise InputError(
            "the last layer of this model has no bias for each class",
            expected=f"a linear layer with {len(shares_K)} biases",
            got=", ".join(head_layers(model)) or "no last layer by the name that the model gives",
            where="init.class_prior",
            hint="leave init.class_prior out for this model",
        )
    for bias in fitting:
        bias.copy_(torch.tensor(shares_K, dtype=torch.float64).log())


def describe_layer(layer: nn.Module, gain_of_net: float, std: float) -> Layer:
    """Counts the fans of a convolution or linear layer from the shape O I/groups … of its weights.

    >>> describe_layer(nn.Conv2d(8, 16, 3, groups=4), 1.0, 0.01)
    Layer(fan_in=18, fan_out=36, groups=4, gain=1.0, std=0.01)
    """
    weight: Any = layer.weight
    groups: int = getattr(layer, "groups", 1)
    outputs, inputs, *kernel = weight.shape
    taps = math.prod(kernel)
    return Layer(inputs * taps, outputs // groups * taps, groups, gain_of_net, std)


@torch.no_grad()
def _draw_all(model: nn.Module, section: InitSection) -> None:
    heads: set[nn.Module] = set()
    if section.head == "small" and section.scheme != "zeros":
        heads.update(head_layers(model).values())
    gain_of_net = gain(*find_activation(model))
    layers: list[Any] = list(affine_layers(model).values())
    for layer in layers:
        if layer not in heads:
            SCHEMES[section.scheme](layer.weight, describe_layer(layer, gain_of_net, section.std))
    for layer in layers:
        if layer in heads:
            layer.weight.normal_(0.0, HEAD_STD)
        if layer.bias is not None:
            layer.bias.zero_()


def _leave(_weight: Tensor, _layer: Layer) -> None:
    """Leaves the weights as the net's own code drew them."""


def _zeros(weight: Tensor, _layer: Layer) -> None:
    """Sets all weights to 0: every unit computes the same and gets no gradient; found out by the first check."""
    weight.zero_()


def _normal(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, std²), whatever the fans. Source: Krizhevsky et al. 2012, section 5 (0.01)."""
    weight.normal_(0.0, layer.std)


def _uniform(weight: Tensor, layer: Layer) -> None:
    """Draws U(−√3 std, √3 std), whose deviation is std. Source: LeCun et al. 1998, Efficient BackProp, section 4.6."""
    weight.uniform_(-math.sqrt(3) * layer.std, math.sqrt(3) * layer.std)


def _lecun(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, 1/(3 fan_in)), the variance of U(±1/√fan_in). Source: Glorot & Bengio 2010, equation 1."""
    weight.normal_(0.0, math.sqrt(1 / (3 * layer.fan_in)))


def _xavier(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, 2/(fan_in + fan_out)). Source: Glorot & Bengio 2010, equation 12."""
    weight.normal_(0.0, math.sqrt(2 / (layer.fan_in + layer.fan_out)))


def _xavier_caffe(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, 1/fan_in): keeps the variance of a linear layer forward only. Source: Jia et al. 2014 (Caffe)."""
    weight.normal_(0.0, math.sqrt(1 / layer.fan_in))


def _kaiming(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, gain²/fan_in): keeps the size of activations. Source: He et al. 2015, equation 10."""
    weight.normal_(0.0, layer.gain / math.sqrt(layer.fan_in))


def _kaiming_fan_out(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, gain²/fan_out): keeps the size of gradients. Source: He et al. 2015, equation 14."""
    weight.normal_(0.0, layer.gain / math.sqrt(layer.fan_out))


def _kaiming_average(weight: Tensor, layer: Layer) -> None:
    """Draws N(0, 2 gain²/(fan_in + fan_out)), between both. Source: He et al. 2015, with the mean of the fans."""
    weight.normal_(0.0, layer.gain * math.sqrt(2 / (layer.fan_in + layer.fan_out)))


def _orthogonal(weight: Tensor, layer: Layer) -> None:
    """Draws orthonormal rows or columns, whichever are fewer, times the gain; each group for itself.

    Source: Saxe et al. 2013, section 3.
    """
    _orthonormal(weight, layer)
    weight.mul_(layer.gain)


def _orthonormal(weight: Tensor, layer: Layer) -> None:
    """Draws what `lsuv` then scales. Source: Mishkin & Matas 2015, algorithm 1."""
    for part in weight.chunk(layer.groups):
        nn.init.orthogonal_(part)


SCHEMES: Final[dict[str, Callable[[Tensor, Layer], None]]] = {
    "native": _leave,
    "zeros": _zeros,
    "normal": _normal,
    "uniform": _uniform,
    "lecun": _lecun,
    "xavier": _xavier,
    "xavier-caffe": _xavier_caffe,
    "kaiming": _kaiming,
    "kaiming-fan-out": _kaiming_fan_out,
    "kaiming-average": _kaiming_average,
    "orthogonal": _orthogonal,
    "lsuv": _orthonormal,
    "data-dependent": _xavier_caffe,
}
"""Every value of `init.scheme` but auto, and how it draws the weights of one layer (shape O I/groups …) in place."""
