"""`trainwright ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    BatchSize,
    Data,
    Device,
    Epochs,
    ImgSize,
    Init,
    Json,
    Lr,
    Model,
    Opt,
    RecipeFile,
    Sched,
    Seed,
    Set,
    WeightDecay,
    Weights,
    Workers,
)


def ablate(
    data: Data = None,
    tricks: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Tricks that the recipe uses, or NAME=VALUE to try one, with commas between.",
            show_default="all that the recipe uses",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Pairs of each trick.")] = 6,
    model: Model = None,
    weights: Weights = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Lr = None,
    weight_decay: WeightDecay = None,
    opt: Opt = None,
    sched: Sched = None,
    init: Init = None,
    img_size: ImgSize = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    recipe: RecipeFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where ablations are kept.", show_default="ablations")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the ablation; that of one broken off goes on.", show_default="by date"),
    ] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Measure what each trick is worth on these pictures: trials with it and without it, on the same seeds."""
    from trainwright.reporting import RunConsole, ablation_lines, ablation_view
    from trainwright.runs import to_json
    from trainwright.workflows.requests import recipe_from_words, short_words

    short = short_words(locals())
    asked = recipe_from_words(data, recipe, short, set_ or [])
    from trainwright.workflows.ablate import DEFAULT_ABLATIONS, ablate_recipe

    words = [] if tricks is None else tricks.split(",")
    with RunConsole(json=json) as console:
        found = ablate_recipe(asked, words, seeds, out or DEFAULT_ABLATIONS, name, console)
    if json:
        print(to_json({**found.facts, "path": str(found.path)}))
    else:
        print("\n".join(ablation_lines(ablation_view(found.facts))))
        print(f"\n  {found.path / 'effects.svg'}")
