"""What our loop costs: pictures a second against a bare PyTorch loop over tensors in memory, with the same net.

    uv run python benchmarks/loop.py
    uv run python benchmarks/make_pictures.py /tmp/pictures --pictures 6000
    uv run python benchmarks/loop.py --data /tmp/pictures --img-size 64

Both train the net that `auto` picks (another width: --width), in the same precision and memory layout, on the same
pictures, one epoch. The bare loop reads float tensors that were normalized beforehand. They take turns; the ratio is
that of the medians. `augmentation off` is the same work; `augmentation on` has our flip, crop and cutout on top of it,
`averaged weights` the running average of the weights too, as `auto` has it, and `policy medium` that policy's tricks.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from torch.nn import functional as F

from trainwright.data import PreparedData, prepare
from trainwright.recipe import Recipe, compose, parse_assignments
from trainwright.runs import EpochRecord
from trainwright.training import Checkpoints, Interruption, Progress, Setup, build, fit
from trainwright.workflows.deciding import decide

RESULTS = Path(__file__).parent / "results"
ON = ["augment.flip=0.5", "augment.crop_padding=3", "augment.cutout=7"]
WAYS = {
    "augmentation off": ["training.ema=0", "augment.policy=none"],
    "augmentation on": ["training.ema=0", *ON],
    "augmentation on, averaged weights": ON,
    "policy medium": ["training.ema=0", "augment.policy=medium"],
}
"""What ours does, by its settings; the first is the work of the bare loop."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", default="auto")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--img-size", default="auto")
    arguments = parser.parse_args()
    words = [
        f"data.source={arguments.data}",
        "data.valid_share=0",
        f"data.img_size={arguments.img_size}",
        f"model.width={arguments.width}",
        "training.epochs=1",
    ]
    asked = compose(parse_assignments(words))
    data = prepare(asked.data, seed=0)
    rates: dict[str, list[float]] = {way: [] for way in ("bare", *WAYS)}
    for _ in range(arguments.rounds):
        rates["bare"].append(bare(recipe_with(words, WAYS["augmentation off"], data), data))
        for way, settings in WAYS.items():
            rates[way].append(ours(recipe_with(words, settings, data), data))
    recipe = recipe_with(words, WAYS["augmentation off"], data)
    machine, model = recipe.machine, recipe.model
    lines = [
        "# The training loop against a bare PyTorch loop",
        "",
        f"`uv run python benchmarks/loop.py {' '.join(sys.argv[1:])}`, {date.today()}: {arguments.rounds} rounds, "
        f"{len(data.train):,} pictures of {data.title}, {data.img_size}×{data.img_size}×{data.channels}, "
        f"{model.name} of width {model.width} and depth {model.depth}, "
        f"batches of {recipe.optim.batch_size}, {machine.precision}, {torch.get_num_threads()} threads of 2 shared "
        f"cores, no GPU, torch {version('torch')}.",
        "",
        "| | pictures a second, median | range | of bare |",
        "|---|---|---|---|",
    ]
    for way, values in rates.items():
        middle = statistics.median(values)
        ratio = middle / statistics.median(rates["bare"])
        lines.append(f"| {way} | {middle:,.0f} | {min(values):,.0f}-{max(values):,.0f} | {ratio:.3f} |")
    print("\n".join(lines))
    (RESULTS / f"loop-{data.title}.md").write_text("\n".join(lines) + "\n")


def recipe_with(words: list[str], augmentation: list[str], data: PreparedData) -> Recipe:
    return decide(compose(parse_assignments([*words, *augmentation])), data)


def ours(recipe: Recipe, data: PreparedData) -> float:
    setup = build(recipe, data)
    with tempfile.TemporaryDirectory() as folder:
        marks: list[float] = []

        def observe(record: object) -> None:
            if isinstance(record, EpochRecord):
                marks.append(record.pictures_per_s)

        fit(setup, data, Progress(), Checkpoints(Path(folder)), observers=[observe], interruption=Interruption())
    return marks[0]


def bare(recipe: Recipe, data: PreparedData) -> float:
    setup: Setup = build(recipe, data)
    batch_size, machine = setup.batch_size, setup.machine
    whole = data.train.images(torch.arange(len(data.train)))
    images_NCHW = setup.preprocessor.apply(whole).contiguous(memory_format=torch.channels_last)
    labels_N = data.train.labels_N
    model, optimizer = setup.model.train(), setup.optimizer
    smoothing = recipe.loss.label_smoothing
    order = torch.randperm(len(labels_N))
    steps = len(labels_N) // batch_size
    began = time.perf_counter()
    for step in range(steps):
        rows = order[step * batch_size : (step + 1) * batch_size]
        optimizer.zero_grad()
        with machine.autocast():
            logits_NK = model(images_NCHW[rows])
        loss = F.cross_entropy(logits_NK.float(), labels_N[rows], label_smoothing=smoothing)
        loss.backward()
        optimizer.step()
    return steps * batch_size / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
