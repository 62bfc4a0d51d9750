"""Centered weight normalization: weights of mean 0 and length 1 for each output, times a learned gain.

O outputs of a layer
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from trainwright.errors import InputError

from .heads import affine_layers


class CenteredWeightNorm(nn.Module):
    """Computes a layer's weights from a proxy of their shape and a gain for each output, in every forward pass.

    w = g · (v − mean(v)) / ‖v − mean(v)‖, for the weights of each output alone.

    The proxy v decays as weights do (which does not move w, but keeps v, and with it the size of steps, from growing);
    the gain g, a vector, decays as little as other scales.

    Source: Huang et al. 2017, equation 8, with the gain of section 3.3.
    """

    def forward(self, proxy: Tensor, gain_O: Tensor) -> Tensor:
        """Returns the weights O …."""
        centered, length_O = _centered(proxy)
        return centered * (gain_O / length_O).reshape(_beside(proxy))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Returns proxy and gain that give these weights, their mean taken out."""
        return _centered(weight)


def center_weights(model: nn.Module) -> None:
    """Puts every convolution and linear layer of a net under centered weight normalization; the gain starts at the
    length of the weights, so that only their mean is lost.

    Layers with one weight an output are left alone: without its mean, nothing would be left.

    Args:
        model: changed in place; `layer.weight` still gives the weights, which `parametrizations` compute.

    Raises:
        InputError: all weights of some output are equal.
    """
    for name, layer in affine_layers(model).items():
        weight: Any = layer.weight
        if weight[0].numel() == 1:
            continue
        # Means of equal numbers are inexact, so that nothing but rounding may be left of them.
        if bool((_centered(weight)[1] <= 1e-6 * weight.abs().amax(tuple(range(1, weight.ndim)))).any()):
            raise InputError(
                f"the layer '{name}' starts with equal weights, which centered weight normalization cannot scale",
                expected="weights that differ within each output",
                got=f"weights from {weight.min().item():g} to {weight.max().item():g}",
                where="init.centered_weight_norm",
                hint="a scheme that draws all weights, such as init.scheme=kaiming",
            )
        parametrize.register_parametrization(layer, "weight", CenteredWeightNorm())


@torch.no_grad()
def set_weight(layer: nn.Module, weight: Tensor) -> None:
    """Gives a layer other weights of the same shape, whether they are computed or not."""
    held: Any = layer
    if parametrize.is_parametrized(layer, "weight"):
        held.weight = weight
    else:
        held.weight.copy_(weight)


@torch.no_grad()
def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """Gives a net's tensors by the names that it has without reparametrization, the weights as evaluation has them.

    Whoever loads them needs to know nothing of how they were trained.
    """
    state = dict(model.state_dict())
    for name, layer in affine_layers(model).items():
        if parametrize.is_parametrized(layer, "weight"):
            prefix = f"{name}." if name else ""
            state = {key: value for key, value in state.items() if not key.startswith(f"{prefix}parametrizations.")}
            state[f"{prefix}weight"] = _at_test(layer)
    return state


def _at_test(layer: nn.Module) -> Tensor:
    """Computes a layer's weights in evaluation mode, in which none is dropped."""
    was_training = layer.training
    held: Any = layer.eval()
    weight: Tensor = held.weight
    layer.train(was_training)
    return weight


def load_plain_state(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Puts tensors of `plain_state` back into a net of the same form, reparametrized or not.

    Raises:
        RuntimeError: they are those of another net, as `load_state_dict` says.
    """
    computed = {
        name: layer for name, layer in affine_layers(model).items() if parametrize.is_parametrized(layer, "weight")
    }
    names = {f"{name}.weight" if name else "weight": layer for name, layer in computed.items()}
    for key, layer in names.items():
        set_weight(layer, state[key])
    own = {key: value for key, value in model.state_dict().items() if ".parametrizations." in f".{key}"}
    model.load_state_dict({key: value for key, value in state.items() if key not in names} | own)


def _centered(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the weights without the mean of each output, and what length is left of each."""
    centered = weight - weight.flatten(1).mean(dim=1).reshape(_beside(weight))
    return centered, torch.linalg.vector_norm(centered.flatten(1), dim=1)


def _beside(weight: Tensor) -> tuple[int, ...]:
    """Gives the shape in which a number for each output meets the weights."""
    return (-1, *(1,) * (weight.ndim - 1))
