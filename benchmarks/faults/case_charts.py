"""A handful of charts that show the evidence of a finding; which one shows which code stands in `CHART_OF`.

Where the report draws the same, its own figures are taken, so that a page shows what a user sees.

L layers · B looks at single steps · K classes
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from markupsafe import Markup

from trainwright.reporting.charts import Mark, Series, heat_map, line_chart
from trainwright.reporting.charts.heat import ROOT_SHARES
from trainwright.reporting.figures import PICTURE_OF, figures
from trainwright.reporting.views.watch import LayerMap, watch_view
from trainwright.reporting.wording import count, number
from trainwright.runs import Finding, History

STYLE = Path(__file__).with_name("case.css")
MOST_POINTS, MOST_COLUMNS, MOST_ROWS = 160, 24, 24
POINTED_AT = re.compile(r'<g class="pointer">.*?</g>|<rect class="band".*?</rect>', re.DOTALL)
"""What answers to the pointer in a page; a picture in an <img> never does."""

WIDTH, LEFT = 420, 195
ROW = 19


def drawn(finding: Finding, history: History) -> str:
    """Draws the evidence of a finding as the text of an SVG file; empty where nothing can be drawn."""
    name = chart_of(finding.code)
    if name in CHARTS:
        chart = CHARTS[name](finding, history)
    else:
        view = watch_view(history)
        assert view is not None
        thinned = replace(view, updates=_thin(view.updates), gradients=_thin(view.gradients), units=_thin(view.units))
        chart = figures(thinned, finding.layers)[name]
    if not chart:
        return ""
    bare = POINTED_AT.sub("", str(chart))
    found = re.match(r'<svg class="([^"]*)" viewBox="0 0 (\S+) (\S+)" role="img"', bare)
    assert found is not None
    kind, wide, high = found[1], float(found[2]) + 24, float(found[3]) + 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" viewBox="-12 -10 {wide:g} {high:g}" '
        f'width="{wide:g}" height="{high:g}" role="img"'
    )
    opened, _, rest = bare[found.end() :].partition(">")
    paper = f'<rect class="paper" x="-12" y="-10" width="{wide:g}" height="{high:g}"/>'
    return f"{head}{opened}><style>{STYLE.read_text('utf-8')}</style>{paper}{rest}\n"


def chart_of(code: str) -> str:
    """Names the chart of a code: one of `CHARTS`, else the report's figure."""
    own = next((name for name, codes in CHART_OF.items() if code in codes), None)
    return own or next(name for name, codes in PICTURE_OF.items() if code in codes)


def _thin(found: LayerMap | None) -> LayerMap | None:
    if found is None:
        return None
    every = math.ceil(len(found.steps) / MOST_COLUMNS)
    return replace(found, steps=found.steps[::every], values_LC=tuple(row[::every] for row in found.values_LC))


def _curve(
    xs: Sequence[int], series: Sequence[Series], finding: Finding, title: str, x_label: str = "step", **axis: Any
) -> Markup:
    """Draws lines with the step since which the sign shows; of many points the highest of each few."""
    if not xs:
        return Markup()
    every = math.ceil(len(xs) / MOST_POINTS)
    first = series[0].values
    kept = [
        max(range(start, min(start + every, len(xs))), key=lambda place: _height(first[place]))
        for start in range(0, len(xs), every)
    ]
    places = [xs[place] for place in kept]
    thinned = [replace(line, values=[line.values[place] for place in kept]) for line in series]
    mark = None
    if finding.since_step and x_label == "step":
        mark = Mark(min(places, key=lambda x: abs(x - finding.since_step)), f"since step {finding.since_step}")
    return line_chart(places, thinned, title=title, x_label=x_label, mark=mark, **axis)


def _height(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else -math.inf


def losses(finding: Finding, history: History) -> Markup:
    series = [Series("loss", "plain", history.steps["loss"])]
    return _curve(history.steps["step"], series, finding, "Training loss of each step", may_log=True)


def finite(finding: Finding, history: History) -> Markup:
    """Counts the steps whose loss is a number, and those whose loss is none."""
    good = sum(map(math.isfinite, history.steps["loss"]))
    return _bars([("a number", good), ("no number", len(history.steps) - good)], "Steps, by what their loss is")


def rates(finding: Finding, history: History) -> Markup:
    series = [Series("rate", "plain", history.steps["learning_rate"])]
    return _curve(history.steps["step"], series, finding, "Learning rate", floor=0.0)


def of_probes(column: str, title: str, **axis: Any) -> Callable[[Finding, History], Markup]:
    """Makes a chart of one number of each look at a step."""

    def draw(finding: Finding, history: History) -> Markup:
        series = [Series(column, "plain", history.probes[column])]
        return _curve(history.probes["step"], series, finding, title, **axis)

    return draw


def norms(finding: Finding, history: History) -> Markup:
    """Draws the norm of all gradients together."""
    totals = [math.sqrt(sum(g * g for g in row if g is not None)) for row in history.probes["gradients"]]
    series = [Series("norm", "plain", totals)]
    return _curve(history.probes["step"], series, finding, "Norm of the gradient", may_log=True)


def by_epoch(names: dict[str, tuple[str, str]], title: str, **axis: Any) -> Callable[..., Markup]:
    """Makes a chart of shares of epochs: column → name and style of its line."""

    def draw(finding: Finding, history: History) -> Markup:
        rows = history.epochs
        series = [
            Series(name, style, [None if value is None else 100 * value for value in rows[column]])
            for column, (name, style) in names.items()
        ]
        return _curve(rows["epoch"], series, finding, title, "epoch", within=(0, 100), **axis)

    return draw


def inputs_by_look(finding: Finding, history: History) -> Markup:
    """Draws how the deviation of the validation pictures changes from look to look; equal pictures give a line at 0."""
    rows = [row for row in history.answers.rows if row.part == "valid" and row.mode == "eval" and row.input_mean]
    sizes = [sum(row.input_deviation) for row in rows]
    series = [Series("change", "plain", [100 * (size / sizes[0] - 1) for size in sizes])]
    return _curve([row.step for row in rows], series, finding, "Deviation of the validation pictures, change in %")


def modes(finding: Finding, history: History) -> Markup:
    """Counts the looks at which the net was in training mode, and in evaluation mode: of validation, or of steps."""
    if finding.code == "evaluated-in-train-mode":
        seen, what = [row.called_in for row in history.answers.rows if row.called_in], "Validations"
    else:
        seen, what = [row.mode for row in history.probes.rows if row.mode], "Steps looked at"
    names = {"train": "in training mode", "eval": "in evaluation mode", "both": "in both"}
    return _bars([(words, seen.count(name)) for name, words in names.items()], f"{what}, by the mode of the net")


def shared(finding: Finding, history: History) -> Markup:
    """Counts the validation pictures that were seen in training batches, too."""
    row = [row for row in history.answers.rows if row.shared_of and row.shared is not None][-1]
    rows = [("seen in training, too", row.shared), ("all", row.shared_of)]
    return _bars(rows, "Validation pictures")


def inputs(finding: Finding, history: History) -> Markup:
    """Draws mean and deviation of each channel of training batches, and of validation pictures beside them."""
    probe = next(row for row in history.probes.rows if row.input_mean)
    valid = next((row for row in history.answers.rows if row.part == "valid" and row.input_mean), None)
    parts = [("training", probe)] + ([("validation", valid)] if valid is not None else [])
    rows = []
    for place in range(len(probe.input_mean)):
        channel = f", channel {place + 1}" if len(probe.input_mean) > 1 else ""
        for name, numbers in (("mean", "input_mean"), ("deviation", "input_deviation")):
            rows += [(f"{part} {name}{channel}", getattr(row, numbers)[place]) for part, row in parts]
    return _bars(rows, "What comes into the net")


def first_outputs(finding: Finding, history: History) -> Markup:
    """Draws the deviation of each layer's outputs before training."""
    assert history.watch is not None
    first = history.units.rows[0]
    layers = zip(history.watch.layers, first.deviation, strict=True)
    rows = [(f"{one.name} ({one.kind})", value) for one, value in layers]
    return _bars(rows, "Outputs before training: deviation", finding, log=True)


def twins(finding: Finding, history: History) -> Markup:
    """Draws the share of filters of each layer that equal another one when training begins."""
    assert history.watch is not None
    rows = [(one.name, 100 * one.twins) for one in history.watch.tensors if one.kind == "weight"]
    return _bars(rows, "Filters equal to another one at the start, %", finding)


def maps(finding: Finding, history: History) -> Markup:
    """Draws the side of the map that each convolution gives out."""
    assert history.watch is not None
    shaped = [one for one in history.watch.layers if "Conv" in one.kind and len(one.shape) == 3]
    return _bars([(one.name, one.shape[1]) for one in shaped], "Side of each convolution's map, pixels", finding)


def moved(finding: Finding, history: History) -> Markup:
    """Draws by how much steps move each weight, in the median; what never moves has no bar."""
    assert history.watch is not None
    rows = []
    for place, one in enumerate(history.watch.tensors):
        ratios = [
            row.updates[place] / row.weights[place]
            for row in history.probes.rows
            if row.updates and row.updates[place] and row.weights[place]
        ]
        if one.kind == "weight":
            rows.append((one.name, median(ratios) if ratios else 0.0))
    return _bars(rows, "Update of a step, as a share of the weights (median)", finding)


def labels(finding: Finding, history: History) -> Markup:
    """Draws how many pictures of each class a batch holds."""
    probes = [row for row in history.probes.rows if row.label_counts]
    probes = probes[:: math.ceil(len(probes) / MOST_COLUMNS)]
    classes = len(probes[0].label_counts)
    values = [[row.label_counts[k] / sum(row.label_counts) for row in probes] for k in range(classes)]
    names = [f"class {k}" for k in range(classes)]
    return heat_map(
        names, [row.step for row in probes], values, ROOT_SHARES, title="Share of a batch that is of a class"
    )


def single_losses(finding: Finding, history: History) -> Markup:
    """Draws the losses of single training pictures, in order of size, at the look at which the sign was clearest."""
    rows = [row for row in history.answers.rows if row.losses and row.mode == "eval"]
    row = min(rows, key=lambda row: abs(row.step - (finding.since_step or 0)))
    ordered = sorted(row.losses)
    title = f"Losses of single training pictures at step {row.step}"
    return _curve(range(1, len(ordered) + 1), [Series("loss", "plain", ordered)], finding, title, "pictures by loss")


def confusion(finding: Finding, history: History) -> Markup:
    """Draws what validation pictures (rows) were called (columns) at the last look."""
    rows = [row for row in history.answers.rows if row.part == "valid" and row.mode == "eval" and row.confusion_KK]
    counts_KK = rows[-1].confusion_KK
    side, left, top = 30, 60, 46
    cell = '<rect class="{}" x="{}" y="{}" width="29" height="29" fill-opacity="{:.2f}"/>'
    text = '<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>'
    parts = ['<text class="heading" x="0" y="14">Validation pictures: what a row is, what it was called</text>']
    for i, row in enumerate(counts_KK):
        x, y = left + side * i, top + side * i
        parts += [text.format("tick", x + 14, top - 7, i), text.format("tick", left - 16, y + 19, i)]
        for j, pictures in enumerate(row):
            x = left + side * j
            if pictures:
                depth = 0.1 + 0.55 * math.sqrt(pictures / sum(row))
                parts.append(cell.format("hit" if i == j else "miss", x, y, depth))
                parts.append(text.format("count", x + 14, y + 19, pictures))
    size = top + side * len(counts_KK)
    spoken = "Confusion table of the validation pictures: " + "; ".join(
        f"class {i}: {row[i]} of {sum(row)} right" for i, row in enumerate(counts_KK)
    )
    head = Markup('<svg class="cells" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, size, spoken)
    return head + Markup("".join(parts)) + Markup("</svg>")


def _bars(
    rows: Sequence[tuple[str, float | None]], title: str, finding: Finding | None = None, *, log: bool = False
) -> Markup:
    """Draws a bar a row with its number; rows of the finding's layers are strong. Bars may be of powers of ten."""
    rows = [row for row in rows if row[1] is not None]
    rows = rows[:: math.ceil(len(rows) / MOST_ROWS)] if rows else rows
    sizes = [abs(value) for _, value in rows if value]
    if not sizes:
        return Markup()
    low, high = math.log10(min(sizes)) - 0.5, math.log10(max(sizes))
    wide = WIDTH - LEFT - 62
    marked = finding.layers if finding is not None else ()
    parts = [Markup('<text class="heading" x="0" y="14">{}</text>').format(title + (", logarithmic" if log else ""))]
    bar = Markup(
        '<text class="{}" x="{}" y="{}" text-anchor="end">{}</text><rect class="bars" x="{}" y="{}" width="{:.1f}" '
        'height="13"/><text class="tick" x="{:.1f}" y="{}">{}</text>'
    )
    for place, (name, value) in enumerate(rows):
        share = (math.log10(abs(value)) - low) / max(high - low, 1e-9) if log and value else abs(value) / max(sizes)
        y = 28 + ROW * place
        strong = any(name == layer or name.startswith((f"{layer}.", f"{layer} ")) for layer in marked)
        style = "tick strong" if strong else "tick"
        length = wide * share
        parts.append(
            bar.format(style, LEFT - 8, y + 11, name, LEFT, y, length, LEFT + length + 6, y + 11, _figure(value))
        )
    spoken = f"{title}: " + "; ".join(f"{name} {_figure(value)}" for name, value in rows)
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return head.format(WIDTH, 30 + ROW * len(rows), spoken) + Markup("").join(parts) + Markup("</svg>")


def _figure(value: float) -> str:
    return count(value) if isinstance(value, int) else number(value)


ACCURACIES = {"valid_accuracy": ("validation", "valid"), "train_accuracy": ("training", "train")}

CHARTS: dict[str, Callable[[Finding, History], Markup]] = {
    "losses": losses,
    "finite": finite,
    "rates": rates,
    "norms": norms,
    "kept": of_probes("kept", "Share of the gradient's length that is left", may_log=True),
    "fresh": of_probes("fresh", "Cosine of the gradient used and the one made", within=(-1, 1)),
    "accuracies": by_epoch(ACCURACIES, "Accuracy, %"),
    "waiting": by_epoch(
        {"data_wait_share": ("waiting", "plain")}, "Share of the time spent waiting for data, %", floor=0.0
    ),
    "inputs": inputs,
    "inputs by look": inputs_by_look,
    "first outputs": first_outputs,
    "twins": twins,
    "modes": modes,
    "shared": shared,
    "maps": maps,
    "moved": moved,
    "labels": labels,
    "single losses": single_losses,
    "confusion": confusion,
}

CHART_OF: dict[str, tuple[str, ...]] = {
    "losses": ("negative-loss", "warmup-missing", "batch-too-small", "resume-mismatch"),
    "finite": ("non-finite-loss",),
    "rates": ("schedule-mismatch",),
    "norms": ("gradient-spikes",),
    "kept": ("clipping-too-tight",),
    "fresh": ("stale-gradients",),
    "accuracies": ("validation-too-small", "trained-too-long"),
    "waiting": ("data-starved",),
    "inputs": ("input-not-scaled", "input-channel-constant", "preprocessing-differs"),
    "inputs by look": ("augmentation-on-validation",),
    "first outputs": ("initialization-too-large", "initialization-too-small"),
    "twins": ("symmetric-initialization",),
    "modes": ("trained-in-eval-mode", "evaluated-in-train-mode"),
    "shared": ("train-validation-leak",),
    "maps": ("resolution-lost-early",),
    "moved": ("frozen-by-mistake", "optimizer-misses-parameters", "optimizer-holds-other-model"),
    "labels": ("not-shuffled", "head-size-mismatch"),
    "single losses": ("labels-noisy",),
    "confusion": ("class-imbalance-harmful", "classes-swapped", "class-weights-harmful"),
    "gap": ("loss-reduction-sum", "missing-nonlinearity"),
}
"""Chart → codes that it shows; other codes are shown by the figure that the report has for them."""
