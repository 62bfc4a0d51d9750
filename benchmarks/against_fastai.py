"""Our whole command against fastai on Fashion-MNIST, 5 epochs, each run a process of its own, taking turns.

    uv run --group bench python benchmarks/against_fastai.py --seeds 3

fastai trains a residual net of its own blocks (114,874 parameters), with its one-cycle policy, Adam and label
smoothing, in float32, without augmentation, on pictures that lie normalized in memory, divided into the parts that
ours has. Ours is `trainwright train fashion-mnist --epochs 5` as it is. Two times are taken of each: that of training
with validation, and that of the whole process with imports, reading and test; ours also audits, checks and reports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "against_fastai.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--only-fastai", type=int, metavar="SEED", help="train fastai once and print its figures")
    arguments = parser.parse_args()
    if arguments.only_fastai is not None:
        print(json.dumps(fastai_once(arguments.only_fastai, arguments.epochs)))
        return
    rows = []
    for seed in range(arguments.seeds):
        for name, run in (("trainwright", ours), ("fastai", theirs)):
            figures = run(seed, arguments.epochs)
            rows.append({"name": name, "seed": seed, **figures})
            print(rows[-1], flush=True)
    write(rows, arguments.epochs)


def ours(seed: int, epochs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        words = [f"--epochs={epochs}", f"--seed={seed}", f"--out={out}", "--json"]
        figures = json_of(["-m", "trainwright", "train", "fashion-mnist", *words])
        whole_s = time.perf_counter() - began
    return {
        "parameters": figures["parameters"],
        "test_accuracy": figures["test_accuracy"],
        "training_s": figures["wall_time_s"],
        "whole_s": whole_s,
    }


def theirs(seed: int, epochs: int) -> dict[str, float]:
    began = time.perf_counter()
    figures = json_of([__file__, f"--only-fastai={seed}", f"--epochs={epochs}"])
    return {**figures, "whole_s": time.perf_counter() - began}


def json_of(words: list[str]) -> dict[str, float]:
    done = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def fastai_once(seed: int, epochs: int) -> dict[str, float]:
    import torch
    from fastai.basics import DataLoaders, Learner, accuracy, set_seed
    from fastai.callback.schedule import fit_one_cycle  # noqa: F401  it adds fit_one_cycle to Learner
    from fastai.layers import ConvLayer, Flatten, ResBlock
    from fastai.losses import LabelSmoothingCrossEntropyFlat
    from torch import nn
    from torch.utils.data import TensorDataset

    from trainwright.data import prepare
    from trainwright.recipe import DataSection

    set_seed(seed, reproducible=True)
    data = prepare(DataSection(source="fashion-mnist"), seed=seed)

    def tensors(*parts: object) -> TensorDataset:
        images = torch.cat([part.images(torch.arange(len(part))) for part in parts])  # type: ignore[attr-defined]
        labels = torch.cat([part.labels_N for part in parts])  # type: ignore[attr-defined]
        return TensorDataset((images.float() / 255 - 0.2860) / 0.3530, labels)

    loaders = DataLoaders.from_dsets(tensors(data.train), tensors(data.valid), bs=64, val_bs=512, num_workers=0)
    model = nn.Sequential(
        ConvLayer(1, 16),
        ResBlock(1, 16, 16),
        ResBlock(1, 16, 32, stride=2),
        ResBlock(1, 32, 32),
        ResBlock(1, 32, 32),
        ResBlock(1, 32, 64, stride=2),
        nn.AdaptiveAvgPool2d(1),
        Flatten(),
        nn.Linear(64, 10),
    )
    learner = Learner(loaders, model, loss_func=LabelSmoothingCrossEntropyFlat(), metrics=accuracy)
    began = time.perf_counter()
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(epochs, lr_max=1e-2)
    training_s = time.perf_counter() - began
    test = loaders.test_dl(tensors(data.test), with_labels=True)
    _, test_accuracy = learner.validate(dl=test)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "test_accuracy": float(test_accuracy),
        "training_s": training_s,
    }


def write(rows: list[dict], epochs: int) -> None:
    """Writes a table of the runs and the ratios of medians over the result of an earlier call."""

    def median(name: str, key: str) -> float:
        return statistics.median(row[key] for row in rows if row["name"] == name)

    training, whole = (median("trainwright", key) / median("fastai", key) for key in ("training_s", "whole_s"))
    lines = [
        "# Fashion-MNIST against fastai",
        "",
        f"`uv run --group bench python benchmarks/against_fastai.py`, {date.today()}, {epochs} epochs, 2 cores, "
        f"no GPU; trainwright {version('trainwright')}, fastai {version('fastai')}, torch {version('torch')}.",
        "",
        "| | seed | parameters | test accuracy % | training s | whole process s |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['name']} | {row['seed']} | {row['parameters']:,} | {100 * row['test_accuracy']:.2f} | "
            f"{row['training_s']:.0f} | {row['whole_s']:.0f} |"
            for row in rows
        ),
        "",
        f"Medians: ours {100 * median('trainwright', 'test_accuracy'):.2f} %, fastai "
        f"{100 * median('fastai', 'test_accuracy'):.2f} %; our time over fastai's: {whole:.2f} for the whole process, "
        f"{training:.2f} for training alone.",
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(lines[-1])


if __name__ == "__main__":
    main()
