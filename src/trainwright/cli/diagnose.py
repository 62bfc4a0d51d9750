"""`trainwright diagnose`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Json, RunPath


def diagnose(
    run: RunPath,
    live: Annotated[
        bool, typer.Option("--live", help="Follow a run that still trains, and tell findings as they are made.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what is wrong with a run, how sure that is, what shows it, and what to do first."""
    from trainwright.reporting import RunConsole, diagnosis_lines
    from trainwright.runs import open_run, to_json
    from trainwright.workflows.diagnose import diagnosed, follow

    folder = open_run(run)
    with RunConsole(json=json) as console:
        made = follow(folder, console.finding) if live else diagnosed(folder)
        if not json:
            console.lines(diagnosis_lines(made.view, told=live))
            console.steps(made.next_steps)
    if json:
        print(to_json(made.facts))
