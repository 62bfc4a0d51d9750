"""Figures of what went on inside a net, and which of them shows a finding."""

from __future__ import annotations

from collections.abc import Collection

from markupsafe import Markup

from trainwright.runs import Finding

from .charts import Series, heat_map, line_chart
from .charts.heat import RELATIVE_UPDATES, ROOT_SHARES, SHARES, log_scale
from .views.watch import TRUST_HIGH, TRUST_LOW, GapCurve, LayerMap, SketchMap, TrustCurve, WatchView
from .wording import number

PICTURE_OF = {
    "updates": (
        "learning-rate-too-low",
        "schedule-mismatch",
        "frozen-by-mistake",
        "optimizer-misses-parameters",
        "optimizer-holds-other-model",
        "momentum-extreme",
        "weight-decay-too-strong",
        "clipping-too-tight",
        "initialization-too-large",
        "initialization-too-small",
    ),
    "gradients": (
        "vanishing-gradients",
        "exploding-gradients",
        "gradient-spikes",
        "symmetric-initialization",
        "stale-gradients",
        "accumulation-scale",
        "loss-reduction-sum",
        "precision-underflow",
        "precision-overflow",
        "missing-nonlinearity",
        "missing-normalization",
        "non-finite-loss",
    ),
    "units": ("dead-units", "saturated-units"),
    "trust": ("learning-rate-too-high", "warmup-missing", "batch-too-small"),
    "gap": (
        "overfitting",
        "model-too-small",
        "stopped-too-early",
        "trained-too-long",
        "augmentation-harmful",
        "batchnorm-statistics-stale",
        "batch-too-small-for-batchnorm",
        "evaluated-in-train-mode",
        "trained-in-eval-mode",
        "train-validation-leak",
        "validation-shifted",
        "preprocessing-differs",
        "labels-shuffled",
        "labels-noisy",
        "softmax-twice",
        "loss-sign-flipped",
        "targets-too-soft",
        "class-weights-harmful",
    ),
}
"""Figure → codes that it shows; other findings are shown by their numbers alone."""


def figures(view: WatchView, marked: Collection[str] = ()) -> dict[str, Markup]:
    """Draws what watching measured, by name; empty markup for what it did not.

    Args:
        view: what went on inside the net.
        marked: layers to point out.
    """
    return {
        "updates": _updates(view.updates, marked) if view.updates else Markup(),
        "gradients": _gradients(view.gradients, marked) if view.gradients else Markup(),
        "units": _units(view.units, marked) if view.units else Markup(),
        "trust": _trust(view.trust) if view.trust else Markup(),
        "gap": _gap(view.gap) if view.gap else Markup(),
    }


def picture_of(finding: Finding, view: WatchView | None) -> Markup:
    """Draws the figure that shows a finding, with its layers pointed out; empty where no figure does."""
    name = next((name for name, codes in PICTURE_OF.items() if finding.code in codes), "")
    return figures(view, finding.layers)[name] if view is not None and name else Markup()


def sketch_figure(sketch: SketchMap) -> Markup:
    """Draws the magnitudes of a layer's outputs over time, the largest on top."""
    names = [_power(power) for power in sketch.powers]
    if sketch.has_zeros:
        names[0] = "about 0"
    title = f"{sketch.layer} ({sketch.kind})"
    return heat_map(names[::-1], sketch.steps, sketch.shares_BC[::-1], ROOT_SHARES, title=title)


def _power(power: int) -> str:
    return f"up to {number(2.0**power, 2)}"


def _updates(view: LayerMap, marked: Collection[str]) -> Markup:
    title = "Update of a step, as a share of the weights"
    return heat_map(view.layers, view.steps, view.values_LC, RELATIVE_UPDATES, title=title, marked=_rows(view, marked))


def _gradients(view: LayerMap, marked: Collection[str]) -> Markup:
    values = [value for row in view.values_LC for value in row if value]
    scale = log_scale(values)
    return heat_map(
        view.layers, view.steps, view.values_LC, scale, title="Norm of the gradient", marked=_rows(view, marked)
    )


def _units(view: LayerMap, marked: Collection[str]) -> Markup:
    kinds = set(view.kinds)
    title = f"Share of units that are {' or '.join(sorted(kinds))}"
    tips = [f"{name}, {kind}" for name, kind in zip(view.layers, view.kinds, strict=True)]
    return heat_map(view.layers, view.steps, view.values_LC, SHARES, title=title, marked=_rows(view, marked), tips=tips)


def _trust(view: TrustCurve) -> Markup:
    level = Series("as promised", "train", [1.0] * len(view.steps))
    series = [Series("measured", "valid", view.ratios), level]
    title = "Trust ratio of steps"
    return line_chart(view.steps, series, title=title, x_label="step", floor=0.0, within=(TRUST_LOW, TRUST_HIGH))


def _gap(view: GapCurve) -> Markup:
    named = {"as trained": ("train", view.trained), "clean": ("clean", view.clean), "validation": ("valid", view.valid)}
    series = [
        Series(name, style, values, joined=True)
        for name, (style, values) in named.items()
        if any(value is not None for value in values)
    ]
    return line_chart(view.steps, series, title="Three losses", x_label="step", may_log=True)


def _rows(view: LayerMap, marked: Collection[str]) -> set[str]:
    """Finds the rows of layers; a tensor belongs to the layer that its name begins with."""
    return {name for name in view.layers if any(name == layer or name.startswith(f"{layer}.") for layer in marked)}
