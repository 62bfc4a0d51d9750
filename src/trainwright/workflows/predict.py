"""`trainwright predict`: one answer for every picture, in order."""

# Some of torch's methods have no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainwright.data import PICTURE_SUFFIXES, Batch, Reading, read_pictures
from trainwright.errors import InputError, nearest
from trainwright.recipe import MachineSection
from trainwright.runs import RunFolder
from trainwright.training import Snapshot, choose_workers, eval_batch, predict_logits

from .opening import open_result
from .predictions import AnyPrediction, predictions, unread

MANIFEST_SUFFIXES = (".csv", ".tsv", ".parquet")


def predict_run(
    folder: RunFolder,
    pictures: Iterable[str],
    *,
    top: int = 1,
    machine: MachineSection | None = None,
    tta: str = "none",
    fuse: bool = False,
) -> list[AnyPrediction]:
    """Answers for files, folders (all pictures in them, sorted) and patterns, with the run's kept snapshot.

    Raises:
        InputError: no pictures are named, the run has no whole snapshot, `top` is less than 1 or the task has no
            classes to list, there is no such test-time augmentation, or nothing to fold.
    """
    paths = expand(pictures)
    if not paths:
        raise InputError("no pictures are named", expected="files, folders or patterns", got="nothing")
    if top < 1:
        raise InputError("at least one class a picture must be listed", got=f"--top {top}")
    snapshot = open_result(folder, machine or MachineSection(), fused=fuse)
    task = snapshot.task.described()["name"]
    if top > 1 and task != "classification":
        raise InputError(
            f"the task {task} has no likeliest classes to list", got=f"--top {top}", hint="leave --top out"
        )
    return list(predict(snapshot, paths, top=top, tta=tta))


def predict(snapshot: Snapshot, paths: Sequence[str], *, top: int, tta: str = "none") -> Iterator[AnyPrediction]:
    """Reads pictures as the run's data were read and yields an answer for each path, in order."""
    meta, views = snapshot.meta, snapshot.views(tta)
    workers = choose_workers(MachineSection())[0].value
    reading = Reading(img_size=meta["img_size"], channels=meta["channels"], **meta["reading"])
    at_once = eval_batch(meta["img_size"])
    for start in range(0, len(paths), at_once):
        chunk = paths[start : start + at_once]
        read = list(read_pictures([Path(path) for path in chunk], reading, workers=workers))
        logits_NK = _ask(snapshot, views, [item for item in read if not isinstance(item, str)])
        readable = [path for path, item in zip(chunk, read, strict=True) if not isinstance(item, str)]
        answers = iter(predictions(snapshot.task, readable, logits_NK, top))
        for path, item in zip(chunk, read, strict=True):
            if isinstance(item, str):
                yield unread(snapshot.task, path, why_unread(path, item))
            else:
                yield next(answers)


def why_unread(path: str, reason: str) -> str:
    """Words why a path has no answer, and what was likely meant.

    Args:
        reason: what reading it said.
    """
    here = Path(path)
    if here.exists():
        listed = here.suffix.lower() in MANIFEST_SUFFIXES
        return f"{reason}: `trainwright evaluate RUN {path}` judges the net on a manifest" if listed else reason
    if any(sign in path for sign in "*?["):
        return "no file matches this pattern"
    there = [entry.name for entry in here.parent.iterdir()] if here.parent.is_dir() else []
    match = nearest(here.name, {name.lower(): name for name in there})
    meant = next((name for name in there if name.lower() == match), None)
    return "there is no such file or folder" + (f": did you mean '{here.parent / meant}'?" if meant else "")


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


def _ask(snapshot: Snapshot, views: Sequence[Callable[[Batch], Tensor]], pictures: list[np.ndarray]) -> Tensor:
    """Asks about pictures, uint8 C H W each: logits N K."""
    count = len(pictures)
    if count == 0:
        return torch.zeros(0, len(snapshot.classes))
    zeros_N = torch.zeros(count, dtype=torch.int64)
    batch = Batch(images_NCHW=torch.from_numpy(np.stack(pictures)), labels_N=zeros_N, samples_N=zeros_N, weights_N=None)
    return predict_logits(snapshot.model, [batch], views, snapshot.machine, snapshot.task)
