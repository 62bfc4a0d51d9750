"""`trainwright check`."""

from __future__ import annotations

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


def check(
    data: Data = None,
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
    set_: Set = None,
    json: Json = False,
) -> None:
    """See whether training can work before it is tried: first loss, gradients, a few pictures learned by heart, …"""
    from trainwright.reporting import RunConsole, check_lines
    from trainwright.runs import to_json
    from trainwright.workflows.requests import recipe_from_words, short_words

    short = short_words(locals())
    asked = recipe_from_words(data, recipe, short, set_ or [])
    from trainwright.workflows.check import check_recipe

    with RunConsole(json=json) as console:
        made = check_recipe(asked, console, lambda one: None if json else print(*check_lines(one.plain()), sep="\n"))
    print(to_json(made.facts) if json else f"\n  {made.in_words}")
    if not made.passed:
        raise typer.Exit(3)
