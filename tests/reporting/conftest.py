"""Run folders as a run would have left them, made from records alone: no training, no torch."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

from trainwright.recipe import Choice, compose, parse_assignments, write_recipe
from trainwright.runs import (
    ClassScore,
    EpochRecord,
    EvaluationRecord,
    EventWriter,
    Finding,
    Mistake,
    Record,
    ResumeRecord,
    RunFolder,
    StepRecord,
    StopRecord,
)
from trainwright.runs.intervals import wilson_interval

STEPS_PER_EPOCH = 20
CHROMIUM = Path("/usr/bin/chromium")


def evaluation(
    labels: Sequence[str], *, part: Literal["valid", "test"] = "test", each: int = 36, wrong: int = 1, epoch: int = 11
) -> EvaluationRecord:
    """Invents an evaluation: of each class i, `wrong + i % 3 - 1` pictures are called the next class."""
    k = len(labels)
    counts = [[0] * k for _ in labels]
    for i in range(k):
        missed = max(wrong + i % 3 - 1, 0)
        counts[i][i] = each - missed
        counts[i][(i + 1) % k] += missed
    right = sum(counts[i][i] for i in range(k))
    scores = []
    for i, label in enumerate(labels):
        called = sum(row[i] for row in counts)
        precision, recall = counts[i][i] / called, counts[i][i] / each
        f1 = 2 * precision * recall / (precision + recall)
        scores.append(ClassScore(label=label, pictures=each, precision=precision, recall=recall, f1=f1))
    mistakes = [
        Mistake(
            name=f"{labels[i]}/{n:04d}.png",
            row=i * each + n,
            label=labels[i],
            predicted=labels[(i + 1) % k],
            probability=0.999 - 0.01 * (i + n),
        )
        for i in range(k)
        for n in range(counts[i][(i + 1) % k])
    ]
    total = k * each
    return EvaluationRecord(
        part=part,
        epoch=epoch,
        pictures=total,
        accuracy=right / total,
        accuracy_interval=wilson_interval(right, total),
        balanced_accuracy=right / total,
        top_k_accuracy={"1": right / total, "5": 1.0} if k > 5 else {"1": right / total},
        loss=0.0531,
        calibration_error=0.0123,
        per_class=tuple(scores),
        confusion_KK=tuple(map(tuple, counts)),
        mistakes=tuple(mistakes[:24]),
    )


def course(epochs: int) -> list[Record]:
    """Invents the records of healthy training: step records, and one epoch record after every 20th step."""
    noise = random.Random(0)
    total = epochs * STEPS_PER_EPOCH
    records: list[Record] = []
    for step in range(1, total + 1):
        done = step / total
        rate = 0.1 * math.sin(math.pi * done**0.6) ** 2 + 1e-5
        loss = 2.3 * math.exp(-4 * done) + 0.05 + noise.uniform(0, 0.15) * (1 - done)
        if step % 5 == 0:
            norm = 1.5 * math.exp(-2 * done) + noise.uniform(0, 0.4)
            epoch = (step - 1) // STEPS_PER_EPOCH + 1
            records.append(
                StepRecord(step=step, epoch=epoch, learning_rate=rate, loss=loss, gradient_norm_before_clip=norm)
            )
        if step % STEPS_PER_EPOCH == 0:
            epoch = step // STEPS_PER_EPOCH
            records.append(epoch_record(epoch, done=done, learning_rate=rate, last=epoch == epochs))
    return records


def epoch_record(epoch: int, *, done: float, learning_rate: float = 0.05, last: bool = False) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        step=epoch * STEPS_PER_EPOCH,
        learning_rate=learning_rate,
        train_loss=2.3 * math.exp(-4 * done) + 0.06,
        train_accuracy=1 - 0.8 * math.exp(-4 * done),
        valid_loss=2.2 * math.exp(-4.6 * done) + 0.05,
        valid_accuracy=1 - 0.75 * math.exp(-4.8 * done),
        best=not last,
        train_time_s=0.9 + 0.3 * (epoch == 1),
        valid_time_s=0.1,
        pictures_per_s=3123.4,
        data_wait_share=0.012,
        memory_mib=412.2,
    )


def stop_record(
    kind: Literal["completed", "early-stopping", "interrupted", "non-finite-loss"], epochs: int
) -> StopRecord:
    reason = {
        "completed": f"all {epochs} epochs done",
        "early-stopping": "no better validation accuracy for 5 epochs",
        "interrupted": "interrupted by SIGINT",
        "non-finite-loss": "the loss became nan at step 41, in epoch 3, first in stem.conv",
    }[kind]
    best = max(epochs - 1, 0)
    return StopRecord(
        reason=reason, kind=kind, epoch=epochs, step=epochs * STEPS_PER_EPOCH, best_epoch=best, train_time_s=12.34
    )


RATE_FINDING = Finding(
    code="rate-too-high",
    severity="warn",
    summary="The loss jumps from step to step: the learning rate is too high.",
    evidence={"loss_jump_ratio": 3.21456, "steps": 20},
    advice={"optim.lr": 0.01, "do": "run trainwright lr-find to measure it"},
    since_step=41,
    layers=("stem.conv",),
    source="Smith 2017",
)


def audit_of(labels: Sequence[str], **changes: Any) -> dict[str, Any]:
    """Invents what data/audit.json holds, with a little of everything that an audit can find."""
    duplicates = {"groups": 2, "pictures": 5, "conflicts": 1, "across": {"train+test": 2}, "examples": [["a", "b"]]}
    none = {"groups": 0, "pictures": 0, "conflicts": 0, "across": {}, "examples": []}
    counts = {label: {"train": 130 - 5 * (i % 7), "valid": 14, "test": 36} for i, label in enumerate(labels)}
    return {
        "title": "digits",
        "description": "Handwritten digits of the UCI repository.",
        "pictures": sum(sum(by_part.values()) for by_part in counts.values()),
        "counts": counts,
        "given_parts": ["test"],
        "rejected": [{"name": f"{labels[0]}/broken {n}.jpg", "reason": "ends in mid-picture"} for n in range(3)],
        "width": {"smallest": 8, "median": 8.0, "largest": 12},
        "height": {"smallest": 8, "median": 8.0, "largest": 9},
        "commonest_sizes": [[8, 8, 900], [12, 9, 4]],
        "kinds": {"PNG L": 900, "JPEG RGB": 4},
        "animated": 1,
        "blank": ["blank.png"],
        "blank_pictures": 1,
        "identical": none,
        "near": duplicates,
        "channel_low": [0],
        "channel_high": [255],
        "skipped": {".txt": 3},
        "notes": ["2 links were not followed"],
        "img_size": 8,
        "channels": 1,
        **changes,
    }


def write_run(
    path: Path,
    *,
    labels: Sequence[str] = tuple("0123456789"),
    epochs: int = 12,
    end: Literal["completed", "early-stopping", "interrupted", "non-finite-loss", "unfinished"] = "completed",
    judged: bool | None = None,
    each: int = 36,
    wrong: int = 1,
    findings: Sequence[Finding] = (RATE_FINDING,),
    resumed: bool = False,
    side_files: bool = True,
) -> RunFolder:
    """Writes a run folder. Finished runs are judged on a test and a validation part unless told otherwise."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    records = course(epochs)
    if resumed:
        middle = len(records) // 2
        lost = records[middle]
        assert isinstance(lost, StepRecord | EpochRecord)
        records.insert(middle, ResumeRecord(step=lost.step - 1, epoch=lost.epoch - 1, checkpoint="last"))
    records += findings
    if end != "unfinished":
        records.append(stop_record(end, epochs))
    if judged if judged is not None else end in ("completed", "early-stopping"):
        records.append(evaluation(labels, each=each, wrong=wrong, epoch=max(epochs - 1, 1)))
        records.append(evaluation(labels, each=max(each // 3, 1), wrong=0, part="valid", epoch=max(epochs - 1, 1)))
    recipe = compose(parse_assignments(["training.patience=5"])).decide(
        [
            Choice("model.name", "small-resnet", "pictures of 8 pixels are small"),
            Choice("training.epochs", max(epochs, 1), "1,294 training pictures"),
            Choice("optim.lr", 0.1, "sgd with batches of 64"),
        ]
    )
    folder.recipe.write_text(write_recipe(recipe), "utf-8")
    with EventWriter(folder.events) as events:
        for record in records:
            events.write(record)
    if side_files:
        write_side_files(folder, labels, records)
    return folder


def write_side_files(folder: RunFolder, labels: Sequence[str], records: Sequence[Record]) -> None:
    folder.command.write_text("trainwright train digits --set training.patience=5\n", "utf-8")
    machine = {"python": "3.11.7", "cpu": {"model": "a <fast> one", "usable_cores": 2}, "git": {"dirty": False}}
    folder.environment.write_text(json.dumps(machine), "utf-8")
    rows = [
        {
            "name": name,
            "kind": kind,
            "output_shape": shape,
            "parameters": parameters,
            "multiply_adds": work,
            "receptive_field": None if field is None else [field, field],
        }
        for name, kind, shape, parameters, work, field in (
            ("stem.conv", "Conv2d", [16, 8, 8], 144, 9216, 3),
            ("stem.norm", "BatchNorm2d", [16, 8, 8], 32, 0, 3),
            ("stages.0.0.conv1", "Conv2d", [16, 8, 8], 2304, 147_456, 5),
            ("spare", "Identity", None, 0, 0, None),
            ("pool", "AdaptiveAvgPool2d", [16, 1, 1], 0, 0, None),
            ("head", "Linear", [len(labels)], 16 * len(labels) + len(labels), 16 * len(labels), None),
        )
    ]
    folder.layers.write_text(json.dumps(rows), "utf-8")
    mistakes = folder.plots / "mistakes"
    mistakes.mkdir(parents=True)
    draw = random.Random(1)
    judged = next((record for record in records if isinstance(record, EvaluationRecord)), None)
    for number in range(len(judged.mistakes) if judged else 0):
        picture = Image.new("L", (8, 8))
        picture.putdata([draw.randrange(256) for _ in range(64)])
        picture.save(mistakes / f"{number:04d}.png")
    batch = Image.new("L", (80, 40))
    batch.putdata([draw.randrange(256) for _ in range(3200)])
    batch.save(folder.plots / "first-batch.png")
    folder.classes.parent.mkdir(exist_ok=True)
    folder.classes.write_text(json.dumps(list(labels)), "utf-8")
    folder.audit.write_text(json.dumps(audit_of(labels)), "utf-8")


@pytest.fixture(scope="session")
def invent() -> Any:
    """Gives this module: its functions invent records."""
    return sys.modules[__name__]


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """Gives a function that writes a run folder called `run` (or another name) below the test's own folder."""

    def make(name: str = "run", **settings: Any) -> RunFolder:
        return write_run(tmp_path / "runs" / name, **settings)

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Starts Debian's Chromium once for all tests."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    switches = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=switches.split())
        yield chromium
        chromium.close()
