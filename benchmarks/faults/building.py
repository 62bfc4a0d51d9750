"""From a spec to a net, a loss, an optimizer and a schedule, with whatever is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from nets import NETS, RATES, Layout
from spec import Spec
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
    "gelu": nn.GELU,
}
OWN_ACTIVATION = {"tanh-mlp": "tanh", "lenet": "tanh"}


def weighing(model: nn.Module, share: float = 1.0) -> list[nn.Module]:
    """Lists the layers that weigh inputs, a share of them from the input on; the head only where the share is 1."""
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return layers if share >= 1 else layers[: min(round(share * len(layers)), len(layers) - 1)]


def build_net(spec: Spec, channels: int, side: int, classes: int) -> nn.Module:
    """Builds and initializes the net."""
    layout = Layout(
        channels=channels,
        side=side,
        classes=classes,
        width=spec.width,
        activation=None if spec.activation is None else ACTIVATIONS[spec.activation],
        more=spec.more,
        stem_stride=spec.stem_stride,
        outputs=round(spec.outputs * classes),
        norm=spec.norm,
        norm_momentum=spec.norm_momentum,
        dropout=spec.dropout,
    )
    model = NETS[spec.net](layout)
    initialize(model, spec)
    return model


@torch.no_grad()
def initialize(model: nn.Module, spec: Spec) -> None:
    """Sets weights by the net's activation, as a careful person would, or as the spec says."""
    saturating = (spec.activation or OWN_ACTIVATION.get(spec.net, "relu")) in ("tanh", "sigmoid", "none")
    layers = weighing(model)
    for layer in layers:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        if isinstance(spec.init, float):
            nn.init.normal_(layer.weight, 0.0, spec.init)
        elif spec.init == "by activation" and saturating:
            nn.init.xavier_normal_(layer.weight)
        elif spec.init == "by activation" and layer is not layers[-1]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        layer.weight *= spec.init_scale
        if layer.bias is not None and spec.init != "torch":
            layer.bias.zero_()
    for layer in weighing(model, spec.constant):
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        layer.weight.fill_(0.0 if spec.constant >= 1 else 1.0 / layer.weight[0].numel())
    if spec.bias:
        _bias(model, spec)


def _bias(model: nn.Module, spec: Spec) -> None:
    """Adds to the shifts just before activations: of normalizations where there are any, else of the layers."""
    kind = nn.BatchNorm2d | nn.GroupNorm
    shifting = [module for module in model.modules() if isinstance(module, kind)] or weighing(model)[:-1]
    for module in shifting[: round(spec.biased * len(shifting))]:
        assert isinstance(module.bias, Tensor)
        module.bias += spec.bias


def split_head(model: nn.Module, share: float) -> list[nn.Parameter]:
    """Gives the parameters of a share of the weighing layers from the input, with those of what lies between."""
    chosen = {id(layer) for layer in weighing(model, share)}
    found: list[nn.Parameter] = []
    inside = False
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            inside = id(module) in chosen
        if inside or not isinstance(module, nn.Conv2d | nn.Linear):
            found += [] if not inside else list(module.parameters(recurse=False))
    return found


def build_optimizer(spec: Spec, model: nn.Module) -> Optimizer:
    """Builds the optimizer of those parameters that it is meant, or not meant, to hold."""
    missed = {id(parameter) for parameter in split_head(model, spec.missed)}
    parameters = [parameter for parameter in model.parameters() if id(parameter) not in missed]
    return make_optimizer(spec, parameters, RATES[spec.net]["sgd" if spec.optimizer == "sgd" else "adam"] * spec.rate)


def make_optimizer(spec: Spec, parameters: list[nn.Parameter], rate: float) -> Optimizer:
    match spec.optimizer:
        case "sgd":
            return torch.optim.SGD(parameters, rate, momentum=spec.momentum, weight_decay=spec.decay)
        case "adam":
            return torch.optim.Adam(
                parameters, rate, betas=(spec.momentum, 0.999), eps=spec.epsilon, weight_decay=spec.decay
            )
        case "adamw":
            return torch.optim.AdamW(
                parameters, rate, betas=(spec.momentum, 0.999), eps=spec.epsilon, weight_decay=spec.decay
            )
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate, weight_decay=spec.decay)


def remake(spec: Spec, model: nn.Module) -> None:
    """Gives a share of the weighing layers new parameters, which the optimizer does not know of."""
    for layer in weighing(model, spec.replaced):
        for name, parameter in list(layer.named_parameters(recurse=False)):
            setattr(layer, name, nn.Parameter(parameter.detach().clone()))


def build_schedule(spec: Spec, optimizer: Optimizer, steps: int) -> LambdaLR:
    """Builds the schedule as a factor on the rate, a function of the step."""

    def factor(step: int) -> float:
        at = min(1.0, step / max(1, steps))
        base = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * at)),
            "warm-up": min(1.0, at / 0.2) if at < 0.2 else 0.5 * (1 + math.cos(math.pi * (at - 0.2) / 0.8)),
            "one-cycle": 0.04 + 1.96 * at / 0.3 if at < 0.3 else 1.0 + math.cos(math.pi * (at - 0.3) / 0.7),
            "restarts": 0.5 * (1 + math.cos(math.pi * ((3 * at) % 1.0))) if at < 1 else 0.0,
            "steps": 0.2 ** int(at * 3),
        }[spec.schedule]
        if spec.drop is not None and at >= spec.drop[0]:
            base *= spec.drop[1]
        return base * spec.per_step**step

    return LambdaLR(optimizer, factor)


def build_loss(spec: Spec, labels: Tensor, classes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Builds the loss of outputs and labels."""
    weight = None
    if spec.weight == 0:
        counts = torch.bincount(labels, minlength=classes).clamp(min=1).float()
        weight = counts.sum() / (classes * counts)
    elif spec.weight is not None:
        weight = torch.ones(classes)
        weight[0] = spec.weight
    if weight is not None and spec.outputs > 1:
        raise ValueError("weights are for the classes only")

    def loss_fn(outputs: Tensor, target: Tensor) -> Tensor:
        match spec.loss:
            case "cross entropy":
                return F.cross_entropy(outputs, target, weight, label_smoothing=spec.smoothing)
            case "of softmax":
                return F.cross_entropy(outputs, target)
            case "nll of softmax" | "nll of sigmoid" | "nll of scores":
                return F.nll_loss(outputs, target)
            case "sum":
                return F.cross_entropy(outputs, target, reduction="sum")

    return loss_fn


def with_end(spec: Spec, model: nn.Module) -> nn.Module:
    """Puts at the net's end what its author put there."""
    end = {"of softmax": nn.Softmax(1), "nll of softmax": nn.Softmax(1), "nll of sigmoid": nn.Sigmoid()}.get(spec.loss)
    return model if end is None else nn.Sequential(model, end)
