"""`trainwright train`."""

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


def train(
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
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the run's folder is made.", show_default="runs")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; the name of an unfinished run resumes it.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with a run.")] = None,
    apply: Annotated[
        str | None,
        typer.Option(
            metavar="FINDING", help="With --resume: train RUN's recipe anew, as a new run, as this finding advises."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Make checks before the first step, for about a tenth of the training's time.")
    ] = True,
    guard: Annotated[
        bool,
        typer.Option(
            "--guard", help="Where going on is pointless: go back to before the fault, change what is advised, go on."
        ),
    ] = False,
    experiments: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Try what the diagnosis suspects on copies of the net: auto, never.",
            show_default="auto",
        ),
    ] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Train a classifier on pictures: look at the data, check, train, test once, report."""
    from trainwright.reporting import RunConsole
    from trainwright.runs import DEFAULT_OUT, launched, to_json
    from trainwright.workflows.requests import recipe_from_words, refuse_name_beside_resume, short_words

    short = short_words(locals())
    note = None
    if apply is not None:
        from trainwright.workflows.applying import applied

        advised = applied(resume, apply, recipe)
        recipe, set_, out, note = advised.recipe, [*advised.words, *(set_ or [])], out or advised.out, advised.note
        resume = None
    refuse_name_beside_resume(resume, out, name)
    asked = recipe_from_words(data, recipe, short, set_ or [], firm=note is None)
    with RunConsole(json=json) as console:
        if note is not None:
            console.note(note)
        from trainwright.workflows.train import resume_run, train_run

        run = (
            resume_run(resume, asked, console, checks=check)
            if resume
            else train_run(asked, out or DEFAULT_OUT, name, console, checks=check)
        )
    if json and launched().leads:
        print(to_json(run.metrics))
