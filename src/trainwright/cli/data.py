"""`trainwright data`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from .options import Data, ImgSize, Json, RecipeFile, Seed, Set, Workers


def data(
    data: Data = None,
    img_size: ImgSize = None,
    seed: Seed = None,
    workers: Workers = None,
    recipe: RecipeFile = None,
    set_: Set = None,
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw pictures beside what each trick makes of them.")
    ] = None,
    json: Json = False,
) -> None:
    """Look at pictures before anything trains: counts, sizes, duplicates, what cannot be read, the split."""
    from trainwright.reporting import RunConsole, audit_lines
    from trainwright.runs import to_json
    from trainwright.workflows.requests import recipe_from_words

    short = {"img_size": img_size, "seed": seed, "workers": workers}
    asked = recipe_from_words(data, recipe, short, set_ or [])
    from trainwright.workflows.inspect_data import check_preview, look_at_data, preview_augmentation

    if preview is not None:
        check_preview(preview)

    with RunConsole(json=json) as console:
        seen = look_at_data(asked, console)
        audit = seen.audit
        if json:
            findings = [dataclasses.asdict(finding) for finding in audit.findings()]
            print(to_json({**audit.to_json(), "findings": findings}))
        else:
            print("\n".join(audit_lines(audit.to_json())))
            for finding in audit.findings():
                console.finding(finding)
        if preview is not None:
            tricks, epochs = preview_augmentation(asked, seen, preview)
            columns = "one column, for the one trick" if tricks == 1 else f"a column for each of {tricks} tricks"
            console.note(f"{preview}: a row a picture, {columns} of a run of {epochs} epochs")
            console.note("a run of fewer may use fewer tricks: --set training.epochs=N shows those of N")
