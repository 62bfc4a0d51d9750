"""`trainwright predict`: one answer for every picture, in order."""

# Some of torch's methods have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainwright.data import PICTURE_SUFFIXES, Batch, Reading, read_pictures
from trainwright.errors import InputError
from trainwright.recipe import MachineSection
from trainwright.runs import RunFolder
from trainwright.training import Snapshot, choose_workers, eval_batch, open_snapshot, predict_logits


@dataclass(frozen=True)
class Prediction:
    """The answer for one input.

    `label` and `probability` are those of the likeliest class, `top` lists the likeliest classes with their
    probabilities; where the picture could not be read they are None and empty, and `error` says why.
    """

    path: str
    label: str | None
    probability: float | None
    top: tuple[tuple[str, float], ...]
    error: str | None


def predict_run(
    folder: RunFolder,
    pictures: Iterable[str],
    *,
    top: int = 1,
    machine: MachineSection | None = None,
    tta: str = "none",
    fuse: bool = False,
) -> list[Prediction]:
    """Answers for files, folders (all pictures in them, sorted) and patterns, with the run's kept snapshot.

    Raises:
        InputError: no pictures are named, the run has no whole snapshot, `top` is less than 1, there is no such
            test-time augmentation, or nothing to fold.
    """
    paths = expand(pictures)
    if not paths:
        raise InputError("no pictures are named", expected="files, folders or patterns", got="nothing")
    if top < 1:
        raise InputError("at least one class a picture must be listed", got=f"--top {top}")
    snapshot = open_snapshot(folder.checkpoints, machine or MachineSection(), fused=fuse)
    return list(predict(snapshot, paths, top=top, tta=tta))


def predict(snapshot: Snapshot, paths: Sequence[str], *, top: int, tta: str = "none") -> Iterator[Prediction]:
    """Reads pictures as the run's data were read and yields an answer for each path, in order."""
    meta, views = snapshot.meta, snapshot.views(tta)
    workers = choose_workers(MachineSection())[0].value
    reading = Reading(img_size=meta["img_size"], channels=meta["channels"], **meta["reading"])
    at_once = eval_batch(meta["img_size"])
    for start in range(0, len(paths), at_once):
        chunk = paths[start : start + at_once]
        read = list(read_pictures([Path(path) for path in chunk], reading, workers=workers))
        answers = _ask(snapshot, views, [item for item in read if not isinstance(item, str)], top)
        for path, item in zip(chunk, read, strict=True):
            if isinstance(item, str):
                pattern = any(sign in path for sign in "*?[") and not Path(path).exists()
                yield Prediction(path, None, None, (), "no file matches this pattern" if pattern else item)
            else:
                likeliest = next(answers)
                yield Prediction(path, *likeliest[0], top=likeliest, error=None)


def expand(words: Iterable[str]) -> list[str]:
    """Turns files, folders and patterns into paths; a word that matches nothing stays, and will be told as missing."""
    paths: list[str] = []
    for word in words:
        if Path(word).is_dir():
            inside = sorted(p for p in Path(word).rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
            paths += [str(path) for path in inside] or [word]
        elif not Path(word).exists() and (matches := sorted(glob.glob(word, recursive=True))):
            paths += matches
        else:
            paths.append(word)
    return paths


def to_csv(predictions: Iterable[Prediction], *, top: int) -> str:
    """Writes one row a picture: path, label, probability, error, then label_2, probability_2 and so on up to `top`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    further = [name for rank in range(2, top + 1) for name in (f"label_{rank}", f"probability_{rank}")]
    writer.writerow(["path", "label", "probability", "error", *further])
    for row in predictions:
        pairs = [(label, f"{probability:.6f}") for label, probability in row.top] or [("", "")]
        cells = [cell for pair in pairs[1:] for cell in pair]
        cells += [""] * (len(further) - len(cells))
        writer.writerow([row.path, *pairs[0], row.error or "", *cells])
    return text.getvalue()


def _ask(
    snapshot: Snapshot, views: Sequence[Callable[[Batch], Tensor]], pictures: list[np.ndarray], top: int
) -> Iterator[tuple[tuple[str, float], ...]]:
    """Yields the likeliest classes of each picture with their probabilities, likeliest first."""
    count = len(pictures)
    if count == 0:
        return
    zeros_N = torch.zeros(count, dtype=torch.int64)
    batch = Batch(images_NCHW=torch.from_numpy(np.stack(pictures)), labels_N=zeros_N, samples_N=zeros_N, weights_N=None)
    logits_NK = predict_logits(snapshot.model, [batch], views, snapshot.machine)
    values, indices = logits_NK.double().softmax(dim=1).topk(min(top, len(snapshot.classes)), dim=1)
    for row in range(count):
        pairs = zip(indices[row].tolist(), values[row].tolist(), strict=True)
        yield tuple((snapshot.classes[index], value) for index, value in pairs)
