"""`trainwright lr-find`."""

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


def lr_find(
    data: Data = None,
    model: Model = None,
    weights: Weights = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    weight_decay: WeightDecay = None,
    opt: Opt = None,
    sched: Sched = None,
    init: Init = None,
    img_size: ImgSize = None,
    seed: Seed = None,
    workers: Workers = None,
    device: Device = None,
    recipe: RecipeFile = None,
    growth: Annotated[
        str, typer.Option(help="exponential: by the same factor with every step; linear: by the same amount.")
    ] = "exponential",
    low: Annotated[float, typer.Option("--from", metavar="RATE", help="First rate.")] = 1e-5,
    high: Annotated[float, typer.Option("--to", metavar="RATE", help="Last rate.")] = 10.0,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps of one seed.")] = 200,
    seeds: Annotated[int, typer.Option(metavar="N", help="How often, each from another start in another order.")] = 3,
    cycles: Annotated[
        int, typer.Option(metavar="N", help="Short one-cycles that choose the rate, at most; 0: by the curve alone.")
    ] = 12,
    out: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw the curve into a file.")] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Find a learning rate: let it grow with every batch, and see where the loss falls and where it rises."""
    from trainwright.reporting import RunConsole, rate_curve, rate_curve_lines
    from trainwright.runs import to_json
    from trainwright.workflows.requests import recipe_from_words, short_words

    short = short_words(locals())
    asked = recipe_from_words(data, recipe, short, set_ or [])
    from trainwright.tuning import Sweep
    from trainwright.workflows.lr_find import find_by_recipe
    from trainwright.workflows.range_test import refuse_other_curves

    sweep = Sweep(growth, low, high, steps, seeds, cycles)
    if out is not None:
        refuse_other_curves(out)
    with RunConsole(json=json) as console:
        found = find_by_recipe(asked, sweep, console)
        if not json:
            print("\n".join(rate_curve_lines(rate_curve(found.facts))))
        if out is not None:
            console.note(f"the curve: {found.draw(out)}")
    if json:
        print(to_json(dict(found.facts)))
    elif found.suggested is not None:
        print(f"\n  next: `trainwright train` with the same words and --lr {found.suggested:g}")
