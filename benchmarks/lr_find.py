"""What the rate that `lr-find` suggests is worth: short one-cycle runs with it, beside every rate of a fine grid.

    uv run python benchmarks/lr_find.py                  # what is not yet in results/lr_find.jsonl, then the table
    uv run python benchmarks/lr_find.py --only digits    # cells whose name holds the word
    uv run python benchmarks/lr_find.py --table          # the table alone, results/lr_find.md

A cell is data × net × optimizer. In each, runs of a few epochs with one cycle at nine rates, factor 2 apart around the
rule's, and at the rates that we, fastai and Lightning suggest; three seeds each (two of mobilenetv3), test accuracy of the last weights.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

HERE = Path(__file__).parent
RAW = HERE / "results" / "lr_find.jsonl"
TABLE = HERE / "results" / "lr_find.md"
STAMPS = Path("/usr/share/tuxpaint/stamps")
SEEDS = (0, 1, 2)
FACTORS = tuple(2.0**power for power in range(-4, 5))
FASHION_TRAIN, TEST = 2048, 3000
COMMON: dict[str, Any] = {"augment.policy": "none", "machine.threads": 1, "data.valid_share": 0.0}
NETS: dict[str, dict[str, Any]] = {
    "small-resnet": {"model.name": "small-resnet", "model.width": 8},
    "plain": {"model.name": "plain", "model.width": 16, "model.depth": 1},
    "mobilenetv3": {"model.name": "mobilenetv3_small_050", "data.img_size": 32},
}
EPOCHS = {"digits": 6, "fashion": 5, "drawings": 5, "toys": 5}


@dataclass(frozen=True)
class Cell:
    """Data, net and optimizer; `judged` are those that the figure is about, the others are what the rule was made on."""

    data: str
    net: str
    optimizer: str
    judged: bool = True

    @property
    def name(self) -> str:
        return f"{self.data} {self.net} {self.optimizer}"

    @property
    def seeds(self) -> tuple[int, ...]:
        return SEEDS[:2] if self.net == "mobilenetv3" else SEEDS


CELLS = (
    Cell("digits", "plain", "momentum", judged=False),
    Cell("toys", "plain", "adam", judged=False),
    Cell("toys", "small-resnet", "momentum", judged=False),
    Cell("digits", "small-resnet", "adam", judged=False),
    Cell("digits", "small-resnet", "sgd"),
    Cell("digits", "plain", "adamw"),
    Cell("digits", "mobilenetv3", "rmsprop"),
    Cell("fashion", "small-resnet", "adamw"),
    Cell("fashion", "plain", "rmsprop"),
    Cell("fashion", "mobilenetv3", "sgd"),
    Cell("drawings", "small-resnet", "rmsprop"),
    Cell("drawings", "plain", "sgd"),
    Cell("drawings", "mobilenetv3", "adamw"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--kind", choices=("all", "judged", "others"), default="all")
    parser.add_argument("--stage", choices=("all", "grid"), default="all")
    arguments = parser.parse_args()
    for cell in CELLS:
        if arguments.only in cell.name and arguments.kind in ("all", "judged" if cell.judged else "others"):
            Bench(cell).grid()


class Bench:
    """One cell with its pictures in memory."""

    def __init__(self, cell: Cell) -> None:
        from trainwright.data import prepare
        from trainwright.recipe import Given, Origin, compose
        from trainwright.workflows.train import decide

        self.cell = cell
        settings = {
            **COMMON,
            **NETS[cell.net],
            "optim.name": cell.optimizer,
            "training.epochs": EPOCHS[cell.data],
            "data.source": str(pictures(cell.data)),
        }
        self.compose = lambda more: compose(
            {key: Given(value, Origin("user")) for key, value in {**settings, **more}.items()}
        )
        self.decide = decide
        asked = self.compose({})
        self.data = prepare(asked.data, seed=0, workers=1)
        self.rule = float(decide(asked, self.data).optim.lr)
        self.done = {(row["rate"], row["seed"]) for row in rows() if row["cell"] == cell.name}

    def grid(self) -> None:
        for seed in self.cell.seeds:
            for factor in FACTORS:
                self.run(float(f"{self.rule * factor:.3g}"), seed)

    def run(self, rate: float, seed: int) -> None:
        """Trains once and appends the figure, unless it is there."""
        from trainwright.errors import TrainingError
        from trainwright.training import Interruption, Progress, answer, build, fit

        if (rate, seed) in self.done:
            return
        setup = build(self.decide(self.compose({"optim.lr": rate, "training.seed": seed}), self.data), self.data)
        began = time.perf_counter()
        accuracy = 0.0
        with tempfile.TemporaryDirectory() as folder:
            try:
                fit(setup, self.data, Progress(), Path(folder), {}, observers=[], interruption=Interruption())
                answers = answer(setup.judged, self.data.test, [setup.prepare_eval], setup.machine, setup.task)
                accuracy = float(setup.task.verdict(answers).accuracy or 0.0)
            except TrainingError:
                pass  # numbers ceased to be finite: nothing is right
        row = {
            "cell": self.cell.name,
            "rate": rate,
            "seed": seed,
            "accuracy": accuracy,
            "steps": setup.total_steps,
            "seconds": round(time.perf_counter() - began, 1),
        }
        print(row, flush=True)
        with RAW.open("a") as file:
            file.write(json.dumps(row) + "\n")


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []


def pictures(name: str) -> Path:
    """Writes data as an .npz file with parts of its own, once."""
    file = Path(tempfile.gettempdir()) / "trainwright-lr-find" / f"{name}.npz"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        made = {"digits": digits, "fashion": fashion}.get(name, lambda: drawings(name))()
        part = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, **made)
        part.rename(file)
    return file


def digits() -> Mapping[str, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    images, labels = (found.images * 15.9375).astype(np.uint8), found.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))
    train, test = order[:1024], order[1024:]
    return {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]}


def fashion() -> Mapping[str, np.ndarray]:
    from trainwright.data import prepare
    from trainwright.recipe import DataSection

    data = prepare(DataSection(source="fashion-mnist", valid_share=0.0), seed=0)
    rng = np.random.default_rng(0)
    found = {}
    for name, part, count in (("train", data.train, FASHION_TRAIN), ("test", data.test, TEST)):
        import torch

        chosen = torch.from_numpy(rng.permutation(len(part))[:count])
        found[f"x_{name}"] = part.images(chosen).squeeze(1).numpy()
        found[f"y_{name}"] = part.labels_N[chosen].numpy()
    return found


def drawings(name: str) -> Mapping[str, np.ndarray]:
    """Draws stamps at random size, place and turn on noise: `drawings` 20 animals, `toys` 12 vehicles and foods."""
    from PIL import Image

    folders = {"drawings": ("animals",), "toys": ("vehicles", "food")}[name]
    files = [file for folder in folders for file in sorted((STAMPS / folder).rglob("*.png"))]
    rng = np.random.default_rng(0)
    chosen = [files[place] for place in rng.permutation(len(files))[: {"drawings": 20, "toys": 12}[name]]]
    stamps = [Image.open(file).convert("RGBA").resize((48, 48)) for file in chosen]

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(len(stamps), size=count)
        images = np.empty((count, 32, 32, 3), np.uint8)
        for place, label in enumerate(labels):
            side = int(rng.integers(16, 30))
            paper = rng.normal(rng.uniform(40, 215, 3), 30, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            stamp = stamps[label].rotate(float(rng.uniform(-40, 40))).resize((side, side))
            left, top = (int(rng.integers(0, 33 - side)) for _ in range(2))
            picture = Image.fromarray(paper)
            picture.paste(stamp, (left, top), stamp)
            images[place] = np.asarray(picture)
        return images, labels.astype(np.int64)

    (x_train, y_train), (x_test, y_test) = drawn(2048), drawn(TEST)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


if __name__ == "__main__":
    main()
