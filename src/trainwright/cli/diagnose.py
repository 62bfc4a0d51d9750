"""`trainwright diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Json


def diagnose(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Folder of a run.", show_default=False)] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Follow a run that still trains, and tell findings as they are made.")
    ] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="CODE", help="Print the page of a finding instead: sign, false alarms, fix.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what is wrong with a run, how sure that is, what shows it, and what to do first."""
    from trainwright.errors import InputError
    from trainwright.reporting import RunConsole, diagnosis_lines, explained, page_lines
    from trainwright.runs import open_run, to_json
    from trainwright.workflows.diagnose import diagnosed, follow

    if explain is not None:
        others = [word for word, given in (("RUN", run), ("--live", live), ("--json", json)) if given]
        if others:
            raise InputError("--explain stands alone", got=" ".join(["--explain", *others]), hint="one call for each")
        with RunConsole() as console:
            console.lines(page_lines(explained(explain)))
        return
    if run is None:
        raise InputError(
            "diagnose needs RUN", expected="folder of a run, or --explain CODE", hint="trainwright diagnose --help"
        )
    folder = open_run(run)
    with RunConsole(json=json) as console:
        made = follow(folder, console.finding) if live else diagnosed(folder)
        if not json:
            console.lines(diagnosis_lines(made.view, told=live))
            console.steps(made.next_steps)
    if json:
        print(to_json(made.facts))
