"""`trainwright evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Device, Fuse, Json, RunPath, Tta


def evaluate(
    run: RunPath,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="Other pictures with known classes.", show_default="test part"),
    ] = None,
    tta: Tta = "none",
    fuse: Fuse = False,
    device: Device = None,
    json: Json = False,
) -> None:
    """Judge a trained net on its own test part, or on other pictures whose answers are known."""
    from trainwright.reporting import RunConsole
    from trainwright.runs import open_run, to_json
    from trainwright.workflows.requests import machine_from_words

    folder = open_run(run)
    machine = machine_from_words(device)
    from trainwright.workflows.evaluate import evaluate_run, evaluation_figures

    with RunConsole(json=json) as console:
        record = evaluate_run(folder, data, console, machine=machine, tta=tta, fuse=fuse)
        console.evaluation(record)
    if json:
        print(to_json(evaluation_figures(record)))
