"""`trainwright recipe`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    BatchSize,
    Device,
    Epochs,
    ImgSize,
    Init,
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


def recipe(
    what: Annotated[
        str | None, typer.Argument(metavar="[WHAT]", help="With --explain: one setting or section.", show_default="all")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check a recipe file and say all its mistakes.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema, for editors.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print every setting with range, meaning, source.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the learning rate of every step; needs --pictures.")
    ] = None,
    pictures: Annotated[int | None, typer.Option(metavar="N", help="Training pictures of the run to draw.")] = None,
    recipe: RecipeFile = None,
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
    set_: Set = None,
) -> None:
    """Print a whole recipe with the source of each value, check one, print its schema, or draw its schedule."""
    from trainwright.errors import InputError
    from trainwright.recipe import compose, json_schema, read_recipe_file, write_recipe
    from trainwright.workflows.requests import recipe_from_words, short_words

    short = short_words(locals())
    named = {"--recipe": recipe, **{f"--{name.replace('_', '-')}": word for name, word in short.items()}, "--set": set_}
    modes = [word for word, given in (("--check", check), ("--schema", schema), ("--explain", explain)) if given]
    drawing = [word for word, given in (("--plot", plot), ("--pictures", pictures is not None)) if given]
    _refuse_together(modes, [word for word, given in named.items() if given], drawing)
    if what is not None and not explain:
        raise InputError(
            f"recipe has no place for {what!r}", expected="options alone", hint=f"trainwright recipe --explain {what}"
        )
    if schema:
        print(json_module.dumps(json_schema(), indent=2))
    elif explain:
        from trainwright.reporting import setting_lines

        print("\n".join(setting_lines(what=what)))
    elif check is not None:
        compose(read_recipe_file(check))
        print(f"{check}: no mistakes")
    elif plot is not None and pictures is not None:
        from trainwright.workflows.schedule import draw_schedule, plan_schedule

        plan = plan_schedule(recipe_from_words(None, recipe, short, set_ or []), pictures)
        draw_schedule(plan, plot)
        length = f"{plan.epochs} epochs of {plan.steps_per_epoch} steps"
        print(f"{plot}: {plan.schedule}, {length}, peak {plan.peak_rate:g} at step {plan.peak_step}")
    else:
        print(write_recipe(recipe_from_words(None, recipe, short, set_ or [])), end="")


def _refuse_together(modes: list[str], composing: list[str], drawing: list[str]) -> None:
    """Refuses options of which only one can be done, and one of two that need each other.

    Raises:
        InputError: says which.
    """
    from trainwright.errors import InputError

    others = composing + drawing
    if len(modes) > 1 or (modes and others):
        raise InputError(f"{modes[0]} stands alone", got=" ".join([*modes, *others]), hint="one call for each")
    if len(drawing) == 1:
        raise InputError(
            "a drawing of the schedule needs a file and the number of training pictures",
            got=drawing[0],
            hint="--plot schedule.svg --pictures 50000; they decide the steps an epoch and what auto means",
        )
