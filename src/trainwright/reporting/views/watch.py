"""What went on inside a net while it learned, layer by layer over time.

L layers · C columns of time, each one look, or several looks side by side where there are many
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TypeVar

from trainwright.runs import SKETCH_LOW, History, ProbeRecord, StepRecord, UnitsRecord, WatchRecord

MOST_COLUMNS, MOST_LAYERS, MOST_SKETCHES = 60, 32, 6
"""So many can be told apart in one picture; of more layers some are shown, at equal distances through the net."""

TRUST_LOW, TRUST_HIGH = -1.0, 2.0
"""Trust ratios beyond are drawn at these ends."""

Table = tuple[tuple[float | None, ...], ...]
Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class LayerMap:
    """One number by layer over time. `values_LC` are None where nothing was measured; `layers_in_all` counts those
    that are left out, too. `kinds` says for each layer what its number is, where that differs."""

    layers: tuple[str, ...]
    steps: tuple[int, ...]
    values_LC: Table
    layers_in_all: int
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrustCurve:
    """Actual over predicted change of the loss by a step; `beyond` counts looks outside of what is drawn."""

    steps: tuple[int, ...]
    ratios: tuple[float | None, ...]
    beyond: int


@dataclass(frozen=True, kw_only=True)
class GapCurve:
    """Three losses at the same steps: as trained since the step before, of clean training pictures in evaluation mode,
    and of validation."""

    steps: tuple[int, ...]
    trained: tuple[float | None, ...]
    clean: tuple[float | None, ...]
    valid: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class SketchMap:
    """Magnitudes of a layer's outputs over time. `powers` are the exponents of two at which its bins end, from below;
    `shares_BC` the share of outputs in each bin, None where there are none. The first is of zeros if `has_zeros`."""

    layer: str
    kind: str
    steps: tuple[int, ...]
    powers: tuple[int, ...]
    shares_BC: Table
    has_zeros: bool


@dataclass(frozen=True, kw_only=True)
class WatchView:
    """All that watching measured; None or empty where it did not. `missing` names what it was not given."""

    updates: LayerMap | None
    gradients: LayerMap | None
    units: LayerMap | None
    trust: TrustCurve | None
    gap: GapCurve | None
    sketches: tuple[SketchMap, ...]
    looks: int
    every: int | None
    cost_share: float | None
    missing: tuple[str, ...]


def watch_view(history: History) -> WatchView | None:
    """Lays out what watching measured in the first stage of a run; None where nothing was watched."""
    history = history.first_stage
    watch = history.watch
    if watch is None or not (len(history.probes) or len(history.units)):
        return None
    probes, units = history.probes.rows, history.units.rows
    last = probes[-1] if probes else None
    paid = [probe.cost_s for probe in probes[len(probes) // 2 :]]
    share = median(paid) / (last.every * last.step_s) if last is not None and last.step_s else None
    return WatchView(
        updates=_by_weight(watch, probes, lambda probe, at: _ratio(probe.updates, probe.weights, at)),
        gradients=_by_weight(watch, probes, lambda probe, at: _at(probe.gradients, at) or None),
        units=_dead_or_saturated(watch, units),
        trust=_trust(probes),
        gap=_gap(history),
        sketches=_sketches(watch, units),
        looks=len(probes),
        every=last.every if last is not None else None,
        cost_share=share,
        missing=watch.missing,
    )


def _by_weight(
    watch: WatchRecord, probes: Sequence[ProbeRecord], number: Callable[[ProbeRecord, int], float | None]
) -> LayerMap | None:
    """Maps a number of the tensors that weigh inputs; scales and biases begin at 0 or 1 and say less."""
    rows = [
        (tensor.name, "", [number(probe, place) for probe in probes])
        for place, tensor in enumerate(watch.tensors)
        if tensor.kind == "weight" and tensor.trainable
    ]
    return _map(rows, [probe.step for probe in probes])


def _dead_or_saturated(watch: WatchRecord, units: Sequence[UnitsRecord]) -> LayerMap | None:
    rows: list[tuple[str, str, list[float | None]]] = []
    for place, layer in enumerate(watch.layers):
        for kind in ("dead", "saturated"):
            values = [_at(getattr(record, kind), place) for record in units]
            if any(value is not None for value in values):
                rows.append((layer.name, kind, values))
    return _map(rows, [record.step for record in units])


def _map(rows: Sequence[tuple[str, str, list[float | None]]], steps: Sequence[int]) -> LayerMap | None:
    """Sets rows under each other where any number in them was measured."""
    there = [row for row in rows if any(value is not None for value in row[2])]
    if not there or not steps:
        return None
    shown = _spread(there, MOST_LAYERS)
    spans = _spans(len(steps), MOST_COLUMNS)
    return LayerMap(
        layers=tuple(name for name, _, _ in shown),
        steps=tuple(steps[span.start] for span in spans),
        values_LC=tuple(tuple(_middle(values[span.start : span.stop]) for span in spans) for _, _, values in shown),
        layers_in_all=len(there),
        kinds=tuple(kind for _, kind, _ in shown),
    )


def _trust(probes: Sequence[ProbeRecord]) -> TrustCurve | None:
    made = [
        (probe.step, (probe.loss_after - probe.loss) / probe.predicted_change)
        for probe in probes
        if probe.loss is not None and probe.loss_after is not None and probe.predicted_change
    ]
    made = [(step, ratio) for step, ratio in made if math.isfinite(ratio)]
    if len(made) < 2:
        return None
    spans = _spans(len(made), MOST_COLUMNS)
    middle = [_middle([ratio for _, ratio in made[span.start : span.stop]]) for span in spans]
    return TrustCurve(
        steps=tuple(made[span.start][0] for span in spans),
        ratios=tuple(None if value is None else min(max(value, TRUST_LOW), TRUST_HIGH) for value in middle),
        beyond=sum(not TRUST_LOW <= ratio <= TRUST_HIGH for _, ratio in made),
    )


def _gap(history: History) -> GapCurve | None:
    """Lays three losses side by side, at the ends of epochs and wherever clean training pictures were asked about."""
    clean = {row.step: row.loss for row in history.answers.rows if (row.part, row.mode) == ("train", "eval")}
    if len(clean) < 2:
        return None
    valid: dict[int, float | None] = {row.step: row.valid_loss for row in history.epochs.rows}
    steps = sorted(valid.keys() | clean.keys())
    valid |= {row.step: row.loss for row in history.answers.rows if (row.part, row.mode) == ("valid", "eval")}
    return GapCurve(
        steps=tuple(steps),
        trained=_trained(history.steps.rows, steps),
        clean=tuple(_finite(clean.get(step)) for step in steps),
        valid=tuple(_finite(valid.get(step)) for step in steps),
    )


def _trained(rows: Sequence[StepRecord], ends: Sequence[int]) -> tuple[float | None, ...]:
    """Gives the mean loss of the steps up to each end, from the end before on."""
    means: list[float | None] = []
    place = 0
    for end in ends:
        losses: list[float] = []
        while place < len(rows) and rows[place].step <= end:
            losses.append(rows[place].loss)
            place += 1
        means.append(_finite(sum(losses) / len(losses)) if losses else None)
    return tuple(means)


def _sketches(watch: WatchRecord, units: Sequence[UnitsRecord]) -> tuple[SketchMap, ...]:
    kept = [record for record in units if len(record.sketches) == len(watch.layers)]
    if not kept:
        return ()
    kept = _spread(kept, MOST_COLUMNS)
    places = [place for place in range(len(watch.layers)) if any(sum(record.sketches[place]) for record in kept)]
    return tuple(
        _sketch(watch.layers[place].name, watch.layers[place].kind, place, kept)
        for place in _spread(places, MOST_SKETCHES)
    )


def _sketch(name: str, kind: str, place: int, kept: Sequence[UnitsRecord]) -> SketchMap:
    counts = [record.sketches[place] for record in kept]
    filled = [number for number in range(len(counts[0])) if any(column[number] for column in counts)]
    low = next((number for number in filled if number > 0), filled[0])
    bins = [*([0] if filled[0] == 0 and low > 0 else []), *range(low, filled[-1] + 1)]
    return SketchMap(
        layer=name,
        kind=kind,
        steps=tuple(record.step for record in kept),
        powers=tuple(SKETCH_LOW + number for number in bins),
        shares_BC=tuple(
            tuple(column[number] / sum(column) if column[number] else None for column in counts) for number in bins
        ),
        has_zeros=filled[0] == 0,
    )


def _share(column: Sequence[int], number: int) -> float | None:
    return column[number] / sum(column) if column[number] else None


def _spread(things: Sequence[Thing], most: int) -> list[Thing]:
    """Takes things at equal distances, the first and the last among them."""
    if len(things) <= most:
        return list(things)
    return [things[round(place * (len(things) - 1) / (most - 1))] for place in range(most)]


def _spans(count: int, most: int) -> list[range]:
    """Divides places into at most so many spans of nearly equal length."""
    parts = min(count, most)
    edges = [round(part * count / parts) for part in range(parts + 1)]
    return [range(start, stop) for start, stop in pairwise(edges)]


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _at(column: Sequence[float | None], place: int) -> float | None:
    return _finite(column[place]) if place < len(column) else None


def _ratio(above: Sequence[float | None], below: Sequence[float | None], place: int) -> float | None:
    numerator, denominator = _at(above, place), _at(below, place)
    return numerator / denominator if numerator and denominator else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
