"""How long `trainwright diagnose` takes on the log of 100,000 steps, as a whole process, and whether it needs torch.

    python benchmarks/diagnosing.py

The log is made up: a net of 60 layers, a probe every 34 steps with numbers of 60 tensors, a validation every 391, and a
loss for every tenth step, as `train` keeps by default, or for every one, as `tw.watch` does. Five processes are timed;
what is told is their median, and that of a Python of the same environment that only reads the log's bytes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trainwright.recipe import Recipe, write_recipe
from trainwright.runs import (
    EpochRecord,
    ProbeRecord,
    Record,
    StepRecord,
    StopRecord,
    WatchedLayer,
    WatchedTensor,
    WatchRecord,
)
from trainwright.runs.serializing import to_plain

LAYERS, PROBED, EPOCH, TIMES = 60, 34, 391, 5
ASKED = "import sys; from trainwright import diagnose; diagnose(sys.argv[1]); print('torch' in sys.modules)"


def numbers(draw: random.Random, size: float) -> tuple[float, ...]:
    return tuple(size * (1 + draw.random() / 10) for _ in range(LAYERS))


def begin() -> WatchRecord:
    tensors = tuple(
        WatchedTensor(
            name=f"layer{i}.weight",
            layer=f"layer{i}",
            kind="weight",
            shape=(64, 64, 3, 3),
            trainable=True,
            moved=True,
            normalized=True,
            deviation=0.04,
            twins=0.0,
            weight_decay=1e-4,
        )
        for i in range(LAYERS)
    )
    layers = tuple(WatchedLayer(name=f"layer{i}", kind="Conv2d", units=64, shape=(64, 16, 16)) for i in range(LAYERS))
    return WatchRecord(
        step=0,
        tensors=tensors,
        layers=layers,
        optimizer="SGD",
        settings={"lr": 0.1, "momentum": 0.9},
        classes=10,
        batch_size=128,
        steps_planned=100_000,
    )


def probe(draw: random.Random, step: int, epoch: int, rate: float, loss: float) -> ProbeRecord:
    return ProbeRecord(
        step=step,
        epoch=epoch,
        loss=loss,
        learning_rate=rate,
        loss_after=loss - 1e-3,
        predicted_change=-1e-3,
        gradients=numbers(draw, 0.1),
        weights=numbers(draw, 5.0),
        updates=numbers(draw, 0.005),
        turns=numbers(draw, 0.001),
        zero_gradients=numbers(draw, 0.0),
        backwards=1,
        kept=1.0,
        fresh=1.0,
        half_cosine=0.4,
        mode="train",
        input_mean=(0.0,),
        input_deviation=(1.0,),
        input_low=-2.0,
        input_high=2.0,
        label_counts=(13,) * 10,
        every=PROBED,
        cost_s=0.01,
        step_s=0.02,
    )


def records(steps: int, every: int) -> list[Record]:
    draw = random.Random(0)
    made: list[Record] = [begin()]
    for step in range(1, steps + 1):
        epoch = 1 + (step - 1) // EPOCH
        loss = 0.1 + 2.2 * math.exp(-step / 9000) * (1 + 0.05 * draw.random())
        rate = 0.1 * (1 - step / steps)
        if step % every == 0:
            norm = draw.random()
            made.append(
                StepRecord(step=step, epoch=epoch, learning_rate=rate, loss=loss, gradient_norm_before_clip=norm)
            )
        if step % PROBED == 0:
            made.append(probe(draw, step, epoch, rate, loss))
        if step % EPOCH == 0:
            made.append(
                EpochRecord(
                    epoch=epoch,
                    step=step,
                    learning_rate=rate,
                    train_loss=loss,
                    train_accuracy=0.5,
                    valid_loss=loss + 0.05,
                    valid_accuracy=0.5,
                    best=True,
                    train_time_s=1.0,
                    valid_time_s=1.0,
                    pictures_per_s=1.0,
                    data_wait_share=0.0,
                    memory_mib=1.0,
                )
            )
    last = steps // EPOCH
    made.append(
        StopRecord(
            reason="all epochs done", kind="completed", epoch=last, step=steps, best_epoch=last, train_time_s=1.0
        )
    )
    return made


def timed(*command: str) -> float:
    """Gives the wall time of a process that must succeed, in seconds: the median of five, after one that compiles."""
    ordinary = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    took: list[float] = []
    for _ in range(1 + TIMES):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ordinary)
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100_000)
    asked = parser.parse_args()
    python, command = sys.executable, str(Path(sys.executable).parent / "trainwright")
    print("| steps | a loss every | log, MB | diagnose, s | a bare Python, s | torch imported |")
    print("|---|---|---|---|---|---|")
    for every in (10, 1):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "recipe.yaml").write_text(write_recipe(Recipe()))
            log = Path(folder) / "events.jsonl"
            with log.open("w") as file:
                for record in records(asked.steps, every):
                    file.write(json.dumps(to_plain(record), separators=(",", ":")) + "\n")
            torch = subprocess.run(
                [python, "-c", ASKED, folder], check=True, capture_output=True, text=True
            ).stdout.strip()
            started = timed(python, "-c", "import sys; open(sys.argv[1], 'rb').read()", str(log))
            took = timed(command, "diagnose", folder, "--json")
            size = log.stat().st_size / 1e6
            print(f"| {asked.steps:,} | {every} | {size:.0f} | {took:.2f} | {started:.2f} | {torch} |", flush=True)


if __name__ == "__main__":
    main()
