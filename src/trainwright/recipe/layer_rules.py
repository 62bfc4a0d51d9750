"""The rules between settings of a net's layers."""

from __future__ import annotations

from collections.abc import Callable

from .contradiction import Contradiction, value_of
from .idle import Sections
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


LAYER_RULES: tuple[Callable[[Sections], list[Contradiction]], ...] = (
    _published_weights_keep_their_layers,
    _blocks_can_be_skipped,
)
