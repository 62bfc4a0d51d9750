"""What each trick is worth on Fashion-MNIST within a small budget: with and without it, three seeds, all else alike.

    uv run python benchmarks/tricks.py                   # what is not yet in results/tricks.jsonl, then the table
    uv run python benchmarks/tricks.py --only schedule   # rows whose section or name holds the word
    uv run python benchmarks/tricks.py --table           # the table alone, results/tricks.md

The budget: 3,000 pictures to learn from, 1,000 to choose the epoch by, all 10,000 test pictures, 8 epochs, a small
residual net of 8, 16, 48 and 96 channels, one thread. All else is what the program chooses for these data.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RAW = HERE / "results" / "tricks.jsonl"
TABLE = HERE / "results" / "tricks.md"
SEEDS = (0, 1, 2)
LEARNED, CHOSEN_BY = 3000, 1000
BUDGET: dict[str, Any] = {
    "model.name": "small-resnet",
    "model.width": 8,
    "training.epochs": 8,
    "machine.threads": 1,
    "augment.policy": "none",
}
NORMAL_95 = 1.96
"""The deviation is pooled over all rows of the table, so that its own uncertainty is small."""

PAGE = """\
# What each trick is worth on Fashion-MNIST within a small budget

`uv run python benchmarks/tricks.py`; torch {torch}, one thread of a CPU. {learned:,} pictures to learn from,
{chosen_by:,} to choose the epoch by, 10,000 to test, {epochs} epochs, a small residual net of width {width}, no
augmentation, else the program's own choices. Mean test accuracy of seeds {seeds}; the figures of all runs, each with
its commit, stand in `tricks.jsonl`.

The interval at 95 % around every difference is ± {half:.2f} points: the deviation of the paired differences, pooled
over the {learning} rows in which both sides learn and differ, is {spread:.2f} points. Differences beyond it are
marked, without a correction for their number. {shared} rows share the three runs without a trick, so that the luck of
those moves all of these rows together, and marks them in bundles: read a difference near the limit as none.

A row says what a trick did here, in {epochs} epochs of a few pictures, and no more: what holds back overfitting pays in
long runs, and what speeds up a start pays in short ones. Every side has the rate that `auto` gives it. So a row can
measure the rate more than the trick: without momentum the step is a tenth as long (seed 0 reached 82.8 % with ten times
the rate, 73.5 % without), and `timm:lion` has timm's own rate (seed 0: 37.1 % with it, 84.3 % with thirty times that).

| section | trick | with % | without % | difference | by seed |
|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Row:
    """One trick: the settings with it and without it, on top of the budget."""

    section: str
    name: str
    trick: Mapping[str, Any]
    without: Mapping[str, Any] = field(default_factory=dict)


def _each(section: str, key: str, values: Mapping[str, Any] | tuple[Any, ...], **without: Any) -> list[Row]:
    """Makes a row of every value of one setting."""
    named = values if isinstance(values, Mapping) else {str(value): value for value in values}
    off = {name.replace("__", "."): value for name, value in without.items()}
    return [Row(section, f"`{key}: {name}`", {key: value}, off) for name, value in named.items()]


DOSES = {
    "flip": 0.5,
    "vertical_flip": 0.5,
    "crop_padding": 2,
    "scale_jitter": "224-280",
    "resized_crop": 0.7,
    "rotate": 10,
    "scale": 0.1,
    "stretch": 0.1,
    "shear": 10,
    "translate": 0.1,
    "lens": 0.1,
    "brightness": 0.3,
    "contrast": 0.3,
    "noise": 0.05,
    "cutout": 8,
    "erase": "0.2 @ 0.5",
    "mixup": 0.2,
    "cutmix": 1.0,
}
ADAPTIVE = ("adam", "adamw", "rmsprop", "adagrad", "timm:lion")
ACTIVATIONS = ("leaky-relu", "prelu", "rrelu", "elu", "silu", "gelu", "sigmoid", "tanh", "maxout")
DRAWN = ("normal", "uniform", "lecun", "xavier", "kaiming", "orthogonal", "lsuv", "data-dependent")

ROWS: tuple[Row, ...] = (
    *(
        Row(
            "preprocess",
            f"`preprocess.center: {center}`, no scale",
            {"preprocess.center": center, "preprocess.scale": "none"},
            {"preprocess.center": "none", "preprocess.scale": "none"},
        )
        for center in ("channel", "image")
    ),
    *_each("preprocess", "preprocess.scale", ("channel", "image", "minmax"), preprocess__scale="none"),
    *_each("preprocess", "preprocess.whiten", ("pca", "zca")),
    *(row for name, dose in DOSES.items() for row in _each("augment", f"augment.{name}", (dose,))),
    *_each("augment", "augment.policy", ("light", "medium", "strong", "digits")),
    *_each("augment", "augment.transform", ("randaugment", "trivialaugment")),
    Row(
        "augment",
        "`augment.fill: edge` beside `crop_padding: 2`",
        {"augment.crop_padding": 2, "augment.fill": "edge"},
        {"augment.crop_padding": 2, "augment.fill": "constant"},
    ),
    Row(
        "augment",
        "`augment.fill: edge` beside policy medium",
        {"augment.policy": "medium", "augment.fill": "edge"},
        {"augment.policy": "medium", "augment.fill": "constant"},
    ),
    *_each("init", "init.scheme", DRAWN),
    *_each("init", "init.head", ("scheme",)),
    *_each("init", "init.class_prior", (True,)),
    *_each("init", "init.centered_weight_norm", (True,)),
    *_each("layers", "model.activation", ACTIVATIONS),
    *_each("layers", "model.normalization", ("instance", "layer", "batch-instance", "none")),
    Row(
        "layers",
        "`model.normalization: group` of 4 groups",
        {"model.normalization": "group", "model.norm_groups": 4},
    ),
    *_each("layers", "model.aspp", (1,)),
    *_each("layers", "training.reestimate_batch_norm", (True,)),
    *_each("loss", "loss.label_smoothing", (0.1,), loss__label_smoothing=0.0),
    *_each("loss", "loss.name", ("kl", "logistic")),
    *_each("optim", "optim.name", ADAPTIVE),
    Row("optim", "`optim.momentum: 0.9`", {}, {"optim.momentum": 0.0, "optim.nesterov": False}),
    Row("optim", "`optim.nesterov: true`", {}, {"optim.nesterov": False}),
    *_each("optim", "optim.layer_decay", (0.8,)),
    *_each("optim", "optim.clip_norm", (1.0,)),
    *_each("optim", "optim.clip_value", (0.1,)),
    *_each("optim", "optim.clip_adaptive", (0.02,)),
    *_each("optim", "optim.accumulate", (4,)),
    *_each(
        "schedule",
        "schedule.name",
        ("one-cycle", "cosine", "cosine-restarts", "linear", "triangular", "step", "plateau", "inverse-sqrt"),
        schedule__name="constant",
    ),
    Row("regularization", "`optim.weight_decay: auto`", {}, {"optim.weight_decay": 0.0}),
    *_each("regularization", "regularization.l1", (1e-5, 1e-4)),
    *_each("regularization", "regularization.l2", (1e-4, 1e-3)),
    Row("regularization", "elastic net", {"regularization.l1": 1e-5, "regularization.l2": 1e-4}),
    Row("regularization", "decoupled L1", {"regularization.l1": 1e-4, "regularization.decoupled": True}),
    *_each("regularization", "regularization.max_norm", (1.0, 3.0)),
    *_each("regularization", "regularization.sparsity", (1e-4, 1e-3)),
    *_each("regularization", "regularization.activation_noise", (0.1, 0.3)),
    *_each("regularization", "model.dropout", (0.2, 0.5)),
    *_each("regularization", "model.spatial_dropout", (0.1,)),
    *_each("regularization", "model.dropconnect", (0.1,)),
    *_each("regularization", "model.stochastic_depth", (0.2,)),
    *_each("regularization", "training.ema", (0.995,), training__ema=0.0),
    *_each("regularization", "training.retrain", ("restart", "continue")),
)


def main() -> None:
    """Reads the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose section or name holds this")
    parser.add_argument("--table", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in f"{row.section} {row.name}"]
    if not arguments.table:
        with tempfile.TemporaryDirectory() as folder:
            measure(rows, Path(folder))
    TABLE.write_text(table(ROWS, measured()))
    print(TABLE.read_text())


def measure(rows: list[Row], folder: Path) -> None:
    """Trains both sides of every row for every seed; what was trained before is not trained again."""
    data = folder / "fashion-mnist-small.npz"
    write_data(data)
    done = measured()
    for row in rows:
        for seed in SEEDS:
            for settings in (row.trick, row.without):
                if (key(settings), seed) not in done:
                    done[key(settings), seed] = accuracy = train(data, folder, settings, seed)
                    print(
                        f"{100 * accuracy:6.2f}  seed {seed}  {row.name}  {dict(settings)}", file=sys.stderr, flush=True
                    )


def key(settings: Mapping[str, Any]) -> str:
    """Names settings together with the budget, so that figures of another budget are never taken for these."""
    return json.dumps({**BUDGET, **settings, "pictures": [LEARNED, CHOSEN_BY]}, sort_keys=True)


def measured() -> dict[tuple[str, int], float]:
    """Reads what was trained so far: settings with their budget, and seed → test accuracy."""
    return {(json.dumps(line["all"], sort_keys=True), line["seed"]): line["test_accuracy"] for line in raw_lines()}


def raw_lines() -> list[dict[str, Any]]:
    """Reads what was trained so far, a run a line."""
    return [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []


def write_data(path: Path) -> None:
    """Takes pictures of Fashion-MNIST, drawn once, for all runs."""
    from trainwright.data.sources.fashion_mnist import find_fashion_mnist
    from trainwright.data.sources.idx_file import read_idx

    files = {file.name.partition(".")[0]: file for file in find_fashion_mnist() or ()}
    x, x_test = (read_idx(files[f"{part}-images-idx3-ubyte"], (3,)) for part in ("train", "t10k"))
    y, y_test = (read_idx(files[f"{part}-labels-idx1-ubyte"], (1,)) for part in ("train", "t10k"))
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(x))
    learned, chosen_by = order[:LEARNED], order[LEARNED : LEARNED + CHOSEN_BY]
    np.savez(
        path,
        x_train=x[learned],
        y_train=y[learned],
        x_valid=x[chosen_by],
        y_valid=y[chosen_by],
        x_test=x_test,
        y_test=y_test,
    )


def train(data: Path, folder: Path, settings: Mapping[str, Any], seed: int) -> float:
    """Trains once, by the public door, and keeps the figure."""
    import trainwright as tw

    name = f"run{len(list((folder / 'runs').glob('*')))}"
    run = tw.train(data, settings={**BUDGET, **settings}, seed=seed, out=folder / "runs", name=name)
    accuracy = float(run.metrics["test_accuracy"])
    made = {"commit": commit(), "torch": version("torch")}
    line = {"all": json.loads(key(settings)), "seed": seed, "test_accuracy": accuracy, **made}
    with RAW.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return accuracy


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def differences(
    rows: tuple[Row, ...], done: Mapping[tuple[str, int], float]
) -> Iterator[tuple[Row, list[float], list[float]]]:
    """Gives every row that was measured whole, with its accuracies with and without, in the order of the seeds."""
    for row in rows:
        sides = [[done.get((key(settings), seed)) for seed in SEEDS] for settings in (row.trick, row.without)]
        if None not in sides[0] and None not in sides[1]:
            yield row, *sides  # pyright: ignore[reportReturnType]


def table(rows: tuple[Row, ...], done: Mapping[tuple[str, int], float]) -> str:
    """Writes the page: a row a trick, and how far its mean difference can be chance."""
    whole = list(differences(rows, done))
    gains = [[100 * (a - b) for a, b in zip(on, off, strict=True)] for _, on, off in whole]
    learning = [gain for gain, (_, on, off) in zip(gains, whole, strict=True) if min(on + off) > 0.5 and any(gain)]
    spread = statistics.mean(statistics.variance(gain) for gain in learning) ** 0.5
    half = NORMAL_95 * spread / len(SEEDS) ** 0.5
    lines = [
        PAGE.format(
            torch=", ".join(sorted({line["torch"] for line in raw_lines()})),
            seeds=", ".join(map(str, SEEDS)),
            learned=LEARNED,
            chosen_by=CHOSEN_BY,
            epochs=BUDGET["training.epochs"],
            width=BUDGET["model.width"],
            half=half,
            spread=spread,
            learning=len(learning),
            shared=sum(not row.without for row, *_ in whole),
        )
    ]
    for (row, on, off), gain in zip(whole, gains, strict=True):
        mean = statistics.mean(gain)
        mark = ("**better**" if mean > 0 else "**worse**") if abs(mean) > half else "" if any(gain) else "the same run"
        lines.append(
            f"| {row.section} | {row.name} | {100 * statistics.mean(on):.2f} | {100 * statistics.mean(off):.2f} | "
            f"{mean:+.2f} {mark} | {', '.join(f'{value:+.2f}' for value in gain)} |"
        )
    missing = [row.name for row in rows if row not in [measured for measured, *_ in whole]]
    if missing:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
