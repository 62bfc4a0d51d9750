"""The one test at the end of a run, with the snapshot that is kept."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from trainwright.data import Part, PreparedData
from trainwright.recipe import Recipe
from trainwright.runs import Evaluation, PairMistake, RunFolder
from trainwright.training import answer, open_snapshot


def judge_result(folder: RunFolder, recipe: Recipe, data: PreparedData) -> Evaluation | None:
    """Judges the result on the test part, or on the validation part where there is no test part.

    Returns: None where there is neither, or the validation part was learned.
    """
    snapshot = open_snapshot(folder.checkpoints, recipe.machine)
    name, part = ("test", data.test) if len(data.test) else ("valid", data.valid)
    if not len(part) or (name == "valid" and snapshot.retrained):
        return None
    answers = answer(snapshot.model, part, snapshot.views(), snapshot.machine, snapshot.task)
    record = snapshot.task.judge(answers, names=part.names, part=name, epoch=snapshot.epoch)
    draw_mistakes(record, part, folder.plots / "mistakes")
    return record


def draw_mistakes(record: Evaluation, part: Part, folder: Path) -> None:
    """Writes the pictures of the most confident mistakes, as the net saw them, in the record's order.

    Of a pair both, the better one left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, mistake in enumerate(record.mistakes):
        rows = [mistake.row, mistake.worse_row] if isinstance(mistake, PairMistake) else [mistake.row]
        pixels_HWC = torch.cat(list(part.images(torch.tensor(rows))), dim=2).permute(1, 2, 0).numpy()
        Image.fromarray(pixels_HWC.squeeze(2) if pixels_HWC.shape[2] == 1 else pixels_HWC).save(
            folder / f"{number:04d}.png"
        )
