"""Trains real cases of codes that no run of the corpus shows, and packs their records into `cases.jsonl.xz`.

    OMP_NUM_THREADS=1 nice -n 10 uv run python benchmarks/faults/more_cases.py           # some minutes

They illustrate pages of findings and judge nothing: what was done was chosen so that the code is found.
"""

from __future__ import annotations

import lzma
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from json import dumps
from pathlib import Path

from case_words import told
from make import HERE, name_of, packed_log
from spec import Spec

PACKED = HERE / "cases.jsonl.xz"

SPECS: tuple[tuple[str, Spec, tuple[str, ...]], ...] = (
    ("head-size-mismatch", Spec(net="plain-bn", data="digits", outputs=4.0, optimizer="adam"), ("outputs",)),
)
"""Code, the run, and which of its fields do it."""


def starved(folder: Path) -> str:
    """Trains a small net whose batches take long to come; gives its words."""
    import torch
    from torch.nn import functional as F

    import trainwright as tw

    wait_s = 0.25
    from building import build_net, build_optimizer
    from materials import prepare

    spec = Spec(net="plain-bn", data="digits")
    torch.manual_seed(0)
    materials = prepare(spec)
    x_train, y_train = materials.train
    model = build_net(spec, x_train.shape[1], x_train.shape[2], materials.classes)
    optimizer = build_optimizer(spec, model)
    with tw.watch(model, optimizer, F.cross_entropy, run=folder, probe=(x_train[:160], y_train[:160]), epochs=12) as w:
        for _ in range(12):
            for rows in torch.randperm(len(x_train)).split(24):
                time.sleep(wait_s)  # a disk, a network or a decoder that is slower than the net
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
                loss.backward()
                optimizer.step()
                w.step(loss, x_train[rows], y_train[rows])
            w.validate(model, [materials.valid])
    return f"four convolutions with batch normalization on scanned digits: every batch takes {1000 * wait_s:.0f} ms to come"


OWN_LOOPS: dict[str, Callable[[Path], str]] = {"data-starved": starved}
"""Code → what trains a case into a folder and words it."""


def main() -> None:
    import torch
    from loop import train

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Lazy modules")
    part = PACKED.with_suffix(".part")
    with lzma.open(part, "wt", preset=6, encoding="utf-8") as file, tempfile.TemporaryDirectory() as place:
        for code, spec, fields in SPECS:
            folder = Path(place) / name_of(spec)
            train(spec, folder)
            words = told({name: value for name, value in asdict(spec).items()}, dict.fromkeys(fields))
            file.write(dumps({"run": folder.name, "code": code, "words": words}) + "\n")
            file.write(packed_log(folder / "events.jsonl"))
        for code, make in OWN_LOOPS.items():
            folder = Path(place) / code
            words = make(folder)
            file.write(dumps({"run": code, "code": code, "words": words}) + "\n")
            file.write(packed_log(folder / "events.jsonl"))
    part.rename(PACKED)
    print(f"{len(SPECS) + len(OWN_LOOPS)} cases, {PACKED.stat().st_size / 2**10:.0f} KiB")


if __name__ == "__main__":
    main()
