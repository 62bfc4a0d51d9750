"""A kept snapshot, ready to answer: the net, its own preprocessing, and the names of its classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from trainwright.data import NOTHING, Augmenter, Batch, Scale, preprocessor_from, view_maps
from trainwright.errors import InputError
from trainwright.models import build_model, fuse
from trainwright.recipe import MachineSection, ModelSection, Recipe

from .checkpoint import Checkpoint, load_checkpoint, load_newest
from .machine import Machine, decide_machine, open_device, open_machine
from .tasks import Regression, Task, task_from

ONLY_IN_TRAINING = {"weights": "none", "dropconnect": 0.0}
"""What a net that judges is built without: where its first weights came from, and noise on them."""


@dataclass(frozen=True)
class Snapshot:
    """A trained model with all that it needs to judge a picture.

    Attributes:
        task: what it was trained to say.
        epoch: the epoch after which it was taken, of a second stage counted on from the first.
        retrained: whether it has learned the validation pictures, too.
        meta: what was saved with it; `img_size`, `channels` and `reading` say how pictures reach it.
    """

    model: nn.Module
    preprocessing: Augmenter
    machine: Machine
    task: Task
    epoch: int
    retrained: bool
    meta: dict[str, Any]

    @property
    def scale(self) -> Scale | None:
        """Gives the scale of the numbers that the net tells; None in other tasks."""
        return self.task.scale if isinstance(self.task, Regression) else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names what the model's outputs stand for."""
        return self.task.names

    def prepare(self, batch: Batch) -> Tensor:
        """Moves pictures to the device and normalizes them as in training: float N C H W."""
        return self.preprocessing.evaluate(batch.images_NCHW.to(self.machine.device))

    def views(self, tta: str = "none") -> list[Callable[[Batch], Tensor]]:
        """Lists the ways to prepare pictures under a kind of test-time augmentation (views.VIEWS).

        Raises:
            InputError: no such kind.
        """
        size = self.meta["img_size"]
        maps_V23 = view_maps(tta, size, size)
        if tta == "none":
            return [self.prepare]
        device = self.machine.device
        return [
            lambda batch, own=map_23: self.preprocessing.view(batch.images_NCHW.to(device), own[None].to(device))
            for map_23 in maps_V23
        ]


def snapshot_meta(recipe: Recipe, *, task: Task, channels: int, img_size: int) -> dict[str, Any]:
    """Lists, as JSON values, what a checkpoint must carry beside its tensors to be used on its own.

    Args:
        recipe: decided.
        task: what the net learns to say; its names in the order of the model's outputs.
        channels: 1 or 3.
        img_size: side of the square pictures, in pixels.
    """
    reading = {key: getattr(recipe.data, key) for key in ("fit", "scaled_decoding", "max_pixels")}
    return {
        "classes": list(task.names),
        "task": task.described(),
        "channels": channels,
        "img_size": img_size,
        "reading": reading,
        "model": recipe.model.model_dump(),
        "precision": recipe.machine.precision,
    }


def open_snapshot(checkpoints: Path, machine: MachineSection, *, fused: bool = False) -> Snapshot:
    """Loads the result of a run and verifies it: the retrained net where there is one, else the best snapshot.

    Args:
        checkpoints: the run's checkpoint folder.
        machine: where to compute; its precision is replaced by the one that the snapshot was judged with,
            unless that is float16 and the device cannot compute in it.
        fused: fold batch normalization into convolutions.

    Raises:
        InputError: there is none yet, it is damaged, or there is nothing to fold.
    """
    if (checkpoints / "retrained").is_dir():
        return snapshot_from(_retrained(checkpoints), machine, fused=fused)
    checkpoint, complaints = load_newest(checkpoints / "best")
    if checkpoint is None:
        raise InputError(
            "this run has no snapshot yet",
            where=str(checkpoints),
            hint=f"let it finish its first epoch: trainwright train --resume {checkpoints.parent}",
        )
    if complaints:
        raise InputError(
            "the run's best snapshot is damaged",
            got=complaints[0],
            hint=f"an older one, of epoch {checkpoint.meta['epoch']}, lies in {checkpoint.path}; to use it, remove "
            f"{checkpoints / 'best'} and rename it to that",
        )
    return snapshot_from(checkpoint, machine, fused=fused)


def _retrained(checkpoints: Path) -> Checkpoint:
    """Loads the net of a finished second stage.

    Raises:
        InputError: it is damaged; says whether the best snapshot of the first stage is there.
    """
    folder, stage = checkpoints / "retrained", checkpoints / "retraining"
    try:
        return load_checkpoint(folder)
    except InputError as error:
        hint = "train again under another --name"
        if (checkpoints / "best").is_dir():
            hint = (
                f"the best snapshot of the first stage lies in {checkpoints / 'best'}; to use it, remove {folder} and "
                f"{stage}; then trainwright train --resume {checkpoints.parent} makes the second stage anew"
            )
        raise InputError(
            "the run's retrained net is damaged",
            got=f"{error.problem} ({error.got})" if error.got else error.problem,
            where=error.where,
            hint=hint,
        ) from None


def snapshot_from(checkpoint: Checkpoint, machine: MachineSection, *, fused: bool = False) -> Snapshot:
    """Builds the model of a verified result checkpoint and fills it."""
    meta = checkpoint.meta
    section = decide_machine(machine.model_copy(update={"precision": meta["precision"]}), img_size=meta["img_size"])
    if meta["precision"] == "float16" and open_device(section.device).type != "cuda":
        section = decide_machine(section.model_copy(update={"precision": "auto"}), img_size=meta["img_size"])
    opened = open_machine(section)
    model = build_model(
        ModelSection(**{**meta["model"], **ONLY_IN_TRAINING}),
        classes=len(meta["classes"]),
        channels=meta["channels"],
        img_size=meta["img_size"],
        seed=0,
    )
    try:
        model.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise InputError(
            "the snapshot's weights do not fit the net that this version builds",
            got=str(error).splitlines()[0],
            where=str(checkpoint.path),
            hint="open it with the version that wrote it; environment.json of the run names it",
        ) from None
    if fused:
        model = fuse(
            model,
            channels=meta["channels"],
            img_size=meta["img_size"],
            normalization=meta["model"]["normalization"],
        )
    model = opened.place(model).eval()
    preprocessor = preprocessor_from(
        checkpoint.state["preprocessor"], channels=meta["channels"], img_size=meta["img_size"]
    )
    return Snapshot(
        model=model,
        preprocessing=Augmenter(NOTHING, preprocessor, seed=0, channels_last=opened.channels_last),
        machine=opened,
        task=task_from(meta),
        epoch=meta["epoch"] + meta.get("epochs_before", 0),
        retrained=meta.get("epochs_before") is not None,
        meta=meta,
    )
