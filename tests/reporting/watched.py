"""Records of watching, made up: a net of three layers whose first one dies."""

from __future__ import annotations

import json
from pathlib import Path

from trainwright.runs import (
    SKETCH_HIGH,
    SKETCH_LOW,
    AnswersRecord,
    EventWriter,
    ProbeRecord,
    Record,
    RunFolder,
    StepRecord,
    StopRecord,
    UnitsRecord,
    WatchedLayer,
    WatchedTensor,
    WatchRecord,
)

BINS = SKETCH_HIGH - SKETCH_LOW + 2
LAYERS = ("stem", "body", "head")


def watch_record(layers: tuple[str, ...] = LAYERS, missing: tuple[str, ...] = ()) -> WatchRecord:
    weights = [
        WatchedTensor(
            name=f"{layer}.weight",
            layer=layer,
            kind="weight",
            shape=(8, 8),
            trainable=True,
            moved=True,
            normalized=False,
            deviation=0.35,
            twins=0.0,
        )
        for layer in layers
    ]
    bias = WatchedTensor(
        name="head.bias",
        layer="head",
        kind="bias",
        shape=(8,),
        trainable=True,
        moved=True,
        normalized=False,
        deviation=0.0,
        twins=0.0,
    )
    watched = tuple(WatchedLayer(name=f"{layer}.relu", kind="ReLU", units=8, shape=(8, 4, 4)) for layer in layers)
    return WatchRecord(
        step=0, tensors=(*weights, bias), layers=watched, optimizer="SGD", classes=3, batch_size=16, missing=missing
    )


def probe(step: int, layers: int = 3, *, trust: float = 0.8) -> ProbeRecord:
    """Invents a probe: the first layer stands still, the last one moves by a thousandth; the bias began at 0."""
    return ProbeRecord(
        step=step,
        epoch=1,
        loss=1.0,
        loss_after=1.0 - 0.1 * trust,
        predicted_change=-0.1,
        gradients=(*(10.0 ** (place - layers + 1) for place in range(layers)), 1.0),
        weights=(*(2.0,) * layers, 0.0),
        updates=(*(2e-3 * 10.0 ** (place - layers + 1) for place in range(layers)), 0.1),
        every=10,
        cost_s=0.02,
        step_s=0.1,
    )


def units(step: int, *, dead: float = 0.0, layers: int = 3) -> UnitsRecord:
    sketch = [0] * BINS
    sketch[0], sketch[24], sketch[25] = 50, 40, 10
    return UnitsRecord(
        step=step,
        epoch=1,
        pictures=64,
        dead=(dead, *(0.0,) * (layers - 1)),
        saturated=(None,) * layers,
        sketches=(tuple(sketch),) * layers,
    )


def answers(step: int, loss: float, part: str = "train") -> AnswersRecord:
    return AnswersRecord(step=step, epoch=1, part=part, mode="eval", pictures=64, loss=loss)  # type: ignore[arg-type]


def watched_records(looks: int = 8) -> list[Record]:
    """Invents the records of 10 steps a look: losses fall, the first layer dies halfway."""
    records: list[Record] = [watch_record(), units(0), answers(0, 1.2)]
    for look in range(1, looks + 1):
        last = 10 * look
        records += [
            StepRecord(step=step, epoch=1, learning_rate=0.1, loss=1.0 - 0.001 * step)
            for step in range(last - 9, last + 1)
        ]
        dead = 0.9 if look > looks / 2 else 0.1
        records += [probe(last), units(last, dead=dead), answers(last, 0.9 - 0.01 * look), answers(last, 1.1, "valid")]
    return records


def write_loop(path: Path, *, end: StopRecord | None = None, records: list[Record] | None = None) -> RunFolder:
    """Writes the folder of a loop of somebody's own that was watched: no recipe, no data, no checkpoints."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    settings = {"epochs": 4, "steps": None, "classes": ["a", "<b>", "c"], "share": 0.04, "first_steps": 4}
    known = {"trainwright": "0.1.0", "torch": "2.11", "model": "OwnNet", "optimizer": "SGD", "parameters": 1234}
    known |= {"device": "cpu", "settings": settings, "missing": ["valid"]}
    (path / "watch.json").write_text(json.dumps(known))
    with EventWriter(folder.events) as events:
        for record in [*(watched_records() if records is None else records), *([end] if end else [])]:
            events.write(record, sync=False)
    return folder
