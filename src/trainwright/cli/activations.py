"""`trainwright activations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Data, Device, ImgSize, Init, Json, Model, RecipeFile, Seed, Set, Weights, Workers


def activations(
    data: Data = None,
    model: Model = None,
    weights: Weights = None,
    init: Init = None,
    img_size: ImgSize = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    recipe: RecipeFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw histograms of all layers into a file.")
    ] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """See what one batch does in every layer of a net before its first step, under any initialization."""
    from trainwright.reporting import RunConsole, activation_lines, activations_view
    from trainwright.runs import to_json
    from trainwright.workflows.requests import recipe_from_words, short_words

    short = short_words(locals())
    asked = recipe_from_words(data, recipe, short, set_ or [])
    from trainwright.workflows.activations import look_at_activations, refuse_other_pictures

    if out is not None:
        refuse_other_pictures(out)
    with RunConsole(json=json) as console:
        found = look_at_activations(asked, console)
        if not json:
            print("\n".join(activation_lines(activations_view(found.facts))))
        if out is not None:
            console.note(f"histograms of every layer: {found.draw(out)}")
    if json:
        print(to_json(dict(found.facts)))
