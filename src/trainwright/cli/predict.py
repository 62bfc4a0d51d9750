"""`trainwright predict`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import Device, Fuse, Json, RunPath, Tta


def predict(
    run: RunPath,
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="PICTURES…", help="Files, folders, patterns; - or nothing reads paths from stdin."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answers to a CSV file.")] = None,
    top: Annotated[int, typer.Option(metavar="K", help="Likeliest classes to list for each picture.")] = 1,
    tta: Tta = "none",
    fuse: Fuse = False,
    device: Device = None,
    json: Json = False,
) -> None:
    """Say what a trained net has learned to say of pictures: one answer for every input, in order.

    Exit code 2 where none could be read.
    """
    from trainwright.errors import InputError
    from trainwright.runs import to_json, write_atomic
    from trainwright.workflows.requests import machine_from_words, open_run_before, refuse_missing_folder

    if csv is not None:
        refuse_missing_folder(csv, "--csv")
    folder = open_run_before(run, pictures or [])
    words = pictures or ["-"]
    if "-" in words:
        if sys.stdin.isatty():
            print("reading paths of pictures from the terminal, one a line; Ctrl-D ends", file=sys.stderr)
        place = words.index("-")
        words[place : place + 1] = [line.rstrip("\n") for line in sys.stdin if line.strip()]
    machine = machine_from_words(device)
    from trainwright.workflows.predict import predict_run
    from trainwright.workflows.predictions import to_csv

    answers = predict_run(folder, words, top=top, machine=machine, tta=tta, fuse=fuse)
    if json:
        print(to_json([dataclasses.asdict(answer) for answer in answers]))
    elif csv is None:
        from trainwright.reporting import prediction_lines

        print("\n".join(prediction_lines(answers)))
    if csv is not None:
        write_atomic(csv, to_csv(answers, top=top))
        failed = sum(answer.error is not None for answer in answers)
        print(f"{csv}: {len(answers)} rows, {failed} of pictures that cannot be read", file=sys.stderr)
    if all(answer.error is not None for answer in answers):
        if not json and csv is None:
            raise typer.Exit(2)  # each line above has said why
        raise InputError("none of the pictures could be read", got=f"{answers[0].path}: {answers[0].error}")
