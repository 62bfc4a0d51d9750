"""The rules between settings of a net's layers."""

from __future__ import annotations

from collections.abc import Callable

from .contradiction import Contradiction, value_of
from .idle import Sections
from .model import BATCH_NORMALIZATIONS, FIRING_ACTIVATIONS, OURS
from .scalars import format_value


def _published_weights_keep_their_layers(sections: Sections) -> list[Contradiction]:
    if value_of(sections, "model.weights") != "pretrained":
        return []
    return [
        Contradiction(
            keys=(key, "model.weights"),
            problem=f"the published weights were learned with the model's own {key.removeprefix('model.')}",
            expected=f"{key}: native",
            got=f"{key}: {value}, model.weights: pretrained",
            hint=f"leave {key} out; the path of the file instead of pretrained loads them all the same",
        )
        for key in ("model.activation", "model.normalization")
        if (value := value_of(sections, key)) != "native"
    ]


def _blocks_can_be_skipped(sections: Sections) -> list[Contradiction]:
    if value_of(sections, "model.name") != "plain" or value_of(sections, "model.stochastic_depth") == 0:
        return []
    return [
        Contradiction(
            keys=("model.stochastic_depth", "model.name"),
            problem="plain has no way around its layers, so that none can be left out",
            expected="a residual net, or model.stochastic_depth: 0",
            got=f"model.stochastic_depth: {format_value(value_of(sections, 'model.stochastic_depth'))}",
            hint="model.name: small-resnet",
        )
    ]


def _units_can_rest(sections: Sections) -> list[Contradiction]:
    sparsity, activation = (value_of(sections, key) for key in ("regularization.sparsity", "model.activation"))
    if sparsity == 0 or activation in ("native", *FIRING_ACTIVATIONS):
        return []
    return [
        Contradiction(
            keys=("regularization.sparsity", "model.activation"),
            problem=f"{activation} has no value at which a unit rests, so that none can be told to rest more",
            expected=f"model.activation: {', '.join(FIRING_ACTIVATIONS)}",
            got=f"model.activation: {activation}, regularization.sparsity: {format_value(sparsity)}",
            hint=f"model.activation: {FIRING_ACTIVATIONS[0]}, or regularization.l1 for sparse weights",
        )
    ]


def _statistics_are_of_batches(sections: Sections) -> list[Contradiction]:
    normalization = value_of(sections, "model.normalization")
    reestimate = value_of(sections, "training.reestimate_batch_norm")
    ours = value_of(sections, "model.name") in OURS
    if not reestimate or not ours or normalization in ("native", *BATCH_NORMALIZATIONS):
        return []
    return [
        Contradiction(
            keys=("training.reestimate_batch_norm", "model.normalization"),
            problem=f"there are no running statistics to count anew beside model.normalization {normalization}",
            expected=f"model.normalization: {', '.join(BATCH_NORMALIZATIONS)}",
            got=f"model.normalization: {normalization}",
            hint="leave training.reestimate_batch_norm out",
        )
    ]


LAYER_RULES: tuple[Callable[[Sections], list[Contradiction]], ...] = (
    _published_weights_keep_their_layers,
    _blocks_can_be_skipped,
    _units_can_rest,
    _statistics_are_of_batches,
)
