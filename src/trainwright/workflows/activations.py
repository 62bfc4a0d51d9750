"""`trainwright activations`: what one real batch does in every layer of a net before its first step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from torch import Tensor

from trainwright.data import PreparedData, batches
from trainwright.models import LayerSignal, layer_signals
from trainwright.recipe import Recipe
from trainwright.reporting import RunConsole, activations_picture, activations_view
from trainwright.runs import write_atomic
from trainwright.training import Setup, build, eval_batch

from .deciding import decide, refuse_early
from .inspect_data import look_at_data
from .range_test import with_any_rate
from .requests import ShortSettings, recipe_from_python, refuse_other_suffix

MOST_PICTURES = 256
"""Pictures of the batch that is looked at; of large pictures as many as are judged at once."""


@dataclass(frozen=True)
class Activations:
    """The signals of a net at its start.

    Attributes:
        facts: what `activations --json` prints: `data, model, scheme, centered_weight_norm, pictures, first_loss`, and
            `layers`, a list of rows with the fields of `models.LayerSignal`; numbers that are not finite are None.
    """

    facts: Mapping[str, Any]

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The rows, in the order in which the layers are called."""
        return self.facts["layers"]

    def draw(self, file: Path | str) -> Path:
        """Writes a picture: deviations along the net, and a histogram for every layer. Returns its path.

        Raises:
            InputError: the file's name does not end in .svg.
        """
        path = Path(file)
        refuse_other_pictures(path)
        write_atomic(path, activations_picture(activations_view(self.facts)))
        return path


def activations(
    data: str | Path | None = None,
    *,
    recipe: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    **short: Unpack[ShortSettings],
) -> Activations:
    """Sends one batch of training pictures through an untrained net and back, and measures every layer.

    Args:
        data: built-in data (`digits`, `fashion-mnist`) or a path to pictures.
        recipe: a recipe file to start from.
        settings: dotted recipe key → value, such as `{"init.scheme": "lsuv"}`.
        **short: as for `train`.

    Raises:
        InputError: data or recipe are wrong.
    """
    with RunConsole(json=True) as console:
        return look_at_activations(recipe_from_python(data, recipe, short, settings), console)


def look_at_activations(asked: Recipe, console: RunConsole) -> Activations:
    """Builds the net that `train` would begin with and measures it on pictures without augmentation.

    Gradients are those of the recipe's own loss, for each picture alone.
    """
    refuse_early(asked)
    data = look_at_data(asked, console)
    recipe = with_any_rate(decide(asked, data))
    setup = build(recipe, data, progress=console.progress)
    rows, pictures, loss = _measure(setup, data)
    return Activations(
        {
            "data": data.title,
            "model": recipe.model.name,
            "scheme": recipe.init.scheme,
            "centered_weight_norm": recipe.init.centered_weight_norm,
            "pictures": pictures,
            "first_loss": _finite(loss),
            "layers": [_plain(row) for row in rows],
        }
    )


def refuse_other_pictures(file: Path) -> None:
    """Makes sure that a picture can be written in the form that its name asks for.

    Raises:
        InputError: the name does not end in .svg.
    """
    refuse_other_suffix(file, ".svg", "the picture of activations is an", "--out")


def _measure(setup: Setup, data: PreparedData) -> tuple[list[LayerSignal], int, float]:
    at_once = min(MOST_PICTURES, eval_batch(data.img_size), data.train.drawn)
    batch = next(batches(data.train, at_once, seed=setup.recipe.training.seed, epoch=1))
    labels_N = batch.labels_N.to(setup.machine.device)
    losses: list[float] = []

    def loss_of(logits_NK: Tensor) -> Tensor:
        loss = setup.loss(logits_NK, labels_N, None)
        losses.append(loss.item())
        return loss

    return layer_signals(setup.model, setup.prepare_eval(batch), loss_of), at_once, losses[0]


def _plain(row: LayerSignal) -> dict[str, Any]:
    """Gives a row as JSON values; what is not finite becomes None."""
    values = dataclasses.asdict(row)
    return {name: _finite(value) if isinstance(value, float) else value for name, value in values.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
