"""Trains real cases of codes that no run of the corpus shows, and packs their records into `cases.jsonl.xz`.

    OMP_NUM_THREADS=1 nice -n 10 uv run python benchmarks/faults/more_cases.py   # trains what is not packed yet

They illustrate pages of findings and judge nothing: what was done was chosen so that the code is found.
"""

from __future__ import annotations

import lzma
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from json import dumps, loads
from pathlib import Path
from typing import Any

from case_words import told
from make import HERE, name_of, packed_log
from spec import Spec

PACKED = HERE / "cases.jsonl.xz"
WAIT_S = 0.25
"""How long a batch takes to come in the run that is starved of data."""


@dataclass(frozen=True)
class Extra:
    """A run that shows a code.

    Attributes:
        spec: of the run.
        fields: of the spec that do it, in the order in which they are told.
        mended: changes that should undo it; the same run with them is trained, too, and its accuracy told beside.
    """

    code: str
    spec: Spec
    fields: tuple[str, ...]
    mended: Mapping[str, Any] = field(default_factory=dict[str, Any])


EXTRA = (
    Extra("head-size-mismatch", Spec(net="plain-bn", data="digits", outputs=4.0, optimizer="adam"), ("outputs",)),
    Extra("resolution-lost-early", Spec(net="depthwise", data="fashion", stem_stride=4), ("stem_stride",)),
    Extra("batch-too-small", Spec(net="plain", data="stamps", batch=1, epochs=1), ("batch", "epochs")),
    Extra("gradient-spikes", Spec(net="vgg", data="shapes", spike=12.0, rate=0.5), ("spike", "rate")),
    Extra("augmentation-harmful", Spec(net="resnet-bn", data="fashion", augment="upside down"), ("augment",)),
    Extra(
        "warmup-missing",
        Spec(net="resnet-gn", data="digits", rate=10.0),
        ("rate",),
        {"schedule": "warm-up"},
    ),
)


def trained(extra: Extra, folder: Path) -> str:
    """Trains a run into a folder; gives what it is and what was done to it in words."""
    from loop import train

    accuracy = train(extra.spec, folder).test_accuracy
    words = told(asdict(extra.spec), dict.fromkeys(extra.fields))
    if not extra.mended:
        return words
    other = train(replace(extra.spec, **extra.mended), None).test_accuracy
    changed = ", ".join(f"{name} {value}" for name, value in extra.mended.items())
    return f"{words} (it names {accuracy:.0%} of the test pictures rightly, and {other:.0%} with {changed})"


def starved(folder: Path) -> str:
    """Trains a small net whose batches take long to come; gives its words."""
    import torch
    from building import build_net, build_optimizer
    from materials import prepare
    from torch.nn import functional as F

    import trainwright as tw

    spec = Spec(net="plain-bn", data="digits")
    torch.manual_seed(spec.seed)
    materials = prepare(spec)
    x_train, y_train = materials.train
    model = build_net(spec, x_train.shape[1], x_train.shape[2], materials.classes)
    optimizer = build_optimizer(spec, model)
    probe = (x_train[:160], y_train[:160])
    with tw.watch(model, optimizer, F.cross_entropy, run=folder, probe=probe, epochs=spec.epochs) as w:
        for _ in range(spec.epochs):
            for rows in torch.randperm(len(x_train)).split(spec.batch):
                time.sleep(WAIT_S)  # a disk, a network or a decoder that is slower than the net
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
                loss.backward()
                optimizer.step()
                w.step(loss, x_train[rows], y_train[rows])
            w.validate(model, [materials.valid])
    return f"{told(asdict(spec), {})}: every batch takes {1000 * WAIT_S:.0f} ms to come"


def packed_before() -> dict[str, str]:
    """Gives the lines of every run that is packed already, by its name."""
    found: dict[str, list[str]] = {}
    if PACKED.is_file():
        with lzma.open(PACKED, "rt", encoding="utf-8") as file:
            for line in file:
                head = loads(line)
                if "run" in head:
                    found[head["run"]] = []
                next(reversed(found.values())).append(line)
    return {name: "".join(lines) for name, lines in found.items()}


def main() -> None:
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Lazy modules")
    planned: dict[str, tuple[str, Callable[[Path], str]]] = {
        name_of(extra.spec): (extra.code, lambda folder, extra=extra: trained(extra, folder)) for extra in EXTRA
    }
    planned["starved"] = ("data-starved", starved)
    before = packed_before()
    part = PACKED.with_suffix(".part")
    with lzma.open(part, "wt", preset=6, encoding="utf-8") as file, tempfile.TemporaryDirectory() as place:
        for name, (code, make) in planned.items():
            if name in before:
                file.write(before[name])
                continue
            words = make(Path(place) / name)
            file.write(dumps({"run": name, "code": code, "words": words}) + "\n")
            file.write(packed_log(Path(place) / name / "events.jsonl"))
    part.rename(PACKED)
    print(f"{len(planned)} cases, {PACKED.stat().st_size / 2**10:.0f} KiB")


if __name__ == "__main__":
    main()
