"""`trainwright search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    BatchSize,
    Data,
    Device,
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
)

Study = Annotated[
    str | None,
    typer.Argument(metavar="[STUDY]", help="After the word worker: a search to take trials from.", show_default=False),
]
Space = Annotated[
    list[str] | None,
    typer.Option(
        "--space",
        metavar="KEY=BOX",
        help="What is searched: KEY=log:LOW:HIGH, KEY=linear:LOW:HIGH, KEY=LOW:HIGH, KEY=choice:A,B,C or KEY; "
        "may be repeated.",
        show_default="optim.lr and optim.weight_decay",
    ),
]


BESIDE_WORKER = ("data", "study", "storage", "json")
BESIDE_RESUME = ("resume", "storage", "processes", "json")
"""What may be said to a worker, and beside --resume: all else was said to the search."""

Processes = Annotated[
    int,
    typer.Option(
        "--workers",
        metavar="N",
        help="Processes of this machine that share the trials, its cores and its GPUs; the threads that decode "
        "pictures, --workers of train, are --set machine.workers=N.",
    ),
]


def search(
    context: typer.Context,
    data: Data = None,
    study: Study = None,
    space: Space = None,
    model: Model = None,
    weights: Weights = None,
    batch_size: BatchSize = None,
    lr: Lr = None,
    weight_decay: WeightDecay = None,
    opt: Opt = None,
    sched: Sched = None,
    init: Init = None,
    img_size: ImgSize = None,
    seed: Seed = None,
    device: Device = None,
    recipe: RecipeFile = None,
    sampler: Annotated[
        str, typer.Option(help="auto (quasi-random, then tpe), random, grid, quasi-random or tpe.")
    ] = "auto",
    pruner: Annotated[
        str, typer.Option(help="Which trials are given up: auto (median), halving, median or none.")
    ] = "auto",
    trials: Annotated[int, typer.Option(metavar="N", help="Trials of the whole search.")] = 63,
    stages: Annotated[str, typer.Option(metavar="N,N,…", help="Epochs of a trial in each stage.")] = "1,5,15",
    no_decay: Annotated[
        bool, typer.Option("--no-decay", help="Train the last stage but one at a constant rate.")
    ] = False,
    folds: Annotated[int, typer.Option(metavar="K", help="k-fold cross-validation, for few pictures; 0: none.")] = 0,
    max_epochs: Annotated[float | None, typer.Option(metavar="N", help="Epochs of all trials together.")] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="Minutes of training after which no trial begins.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL", help="Journal file or database of the trials.", show_default="in the search's folder"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of searches.", show_default="searches")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the search; an unfinished one is gone on with.", show_default="by date"
        ),
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="FOLDER", help="A search to go on with.")] = None,
    processes: Processes = 1,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Find good settings by trials: many short ones first, then fewer and longer ones around the best."""
    from trainwright.reporting import RunConsole
    from trainwright.runs import DEFAULT_SEARCHES, open_search, to_json
    from trainwright.workflows.requests import recipe_from_words, short_words

    short = short_words(locals())
    if study is not None:
        _work(data, study, storage, json, _given(context, BESIDE_WORKER))
        return
    epochs = _whole_numbers(stages)
    asked = recipe_from_words(data, recipe, short, set_ or [])
    from trainwright.workflows.search import resume_search, search_by_recipe
    from trainwright.workflows.search_request import SearchRequest, refuse_beside_resume

    request = SearchRequest(
        tuple(space or ()), sampler, pruner, trials, epochs, no_decay, folds, max_epochs, minutes, storage
    )
    with RunConsole(json=json) as console:
        if resume is not None:
            refuse_beside_resume(SearchRequest(), None, _given(context, BESIDE_RESUME))
            found = resume_search(open_search(resume), console, processes, storage)
        else:
            found = search_by_recipe(asked, request, out or DEFAULT_SEARCHES, name, console, processes)
    if json:
        print(to_json(dict(found.facts)))


def _given(context: typer.Context, but: Sequence[str]) -> list[str]:
    """Lists what stands on the command line but for some parameters, by the names of the options."""
    found: list[str] = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE" and parameter.name not in but:
            found.append(parameter.opts[0])
    return found


def _work(word: str | None, study: str, storage: str | None, json: bool, others: list[str]) -> None:
    """Takes trials of a search that another process leads."""
    from trainwright.errors import InputError
    from trainwright.reporting import RunConsole
    from trainwright.runs import to_json

    if word != "worker":
        raise InputError(
            f"search has no place for {study!r}",
            expected="at most one DATA, or: search worker STUDY",
            got=f"{word} {study}",
        )
    if others:
        raise InputError(
            "a worker does what the search was asked for",
            expected="search worker STUDY, and --storage where the study is not a folder",
            got=f"also {', '.join(others)}",
            hint="leave the other words out",
        )
    from trainwright.workflows.search_workers import work

    with RunConsole(json=json) as console:
        facts = work(study, storage, console)
    if json:
        print(to_json(facts))


def _whole_numbers(text: str) -> tuple[int, ...]:
    """Reads `1,5,15`."""
    from trainwright.errors import InputError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            "the stages are whole numbers of epochs", expected="numbers such as 1,5,15", got=text, where="--stages"
        ) from None
