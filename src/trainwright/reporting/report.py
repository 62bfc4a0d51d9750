"""The report of a run: one HTML file that needs nothing beside it and no network.

No script runs in it: the page's own security policy forbids all of them and admits only the style sheet written here,
by its hash, and pictures that stand in the file. Every word from outside is escaped on the way in.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from trainwright.errors import InputError
from trainwright.runs import RunFolder, write_atomic

from . import wording
from .charts import Mark, Series, line_chart, matrix_chart, rate_curve_picture, scatter_chart, whisker_chart
from .charts.matrix import level
from .charts.ticks import ANYWHERE
from .evidence import advised, how_sure, shown
from .figures import figures, picture_of, sketch_figure
from .pages import as_html, page_of
from .views import RunView, read_view
from .views.checks import checks_summary
from .views.curves import Curves, StepCurve
from .views.diagnosis import withdrawn_words

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
PNG_START = b"\x89PNG\r\n\x1a\n"
CURVES_OF = {
    "mean_average_precision": ("Mean average precision", 100, ", %", (0, 100)),
    "r2": ("R²", 1, "", (-math.inf, 1)),
    "pair_accuracy": ("Pairs in the right order", 100, ", %", (0, 100)),
}
"""Figure by which a task chooses → its words, and the factor, unit and bounds in which its curve is drawn."""

WORDS_OF = {
    "mean_average_precision": "How well each label ranks the validation pictures, mean over labels; 100 % where all "
    "that have it stand before all others.",
    "r2": "The share of the variance of the validation pictures' numbers that the net explains: 1 is everything, 0 no "
    "more than always answering the mean.",
    "pair_accuracy": "The share of pairs of validation pictures that are in the right order; 50 % is a guess.",
}
"""What such a figure means."""

LOSS_UNITS = {
    "classification": ", in nats",
    "multi-label": ", in nats a label",
    "regression": ", for numbers in deviations from their mean",
}
"""Unit of the loss by task, where it has one."""

SMALL_PICTURE = 96
"""Pictures with a side up to this are enlarged with sharp pixels, so that digits of 8 pixels can be seen."""


@dataclass(frozen=True)
class Picture:
    """A picture that stands in the page itself; `width` and `height` are its own, in pixels."""

    uri: str
    width: int
    height: int

    @property
    def small(self) -> bool:
        """Says whether the picture needs enlarging to be seen."""
        return max(self.width, self.height) <= SMALL_PICTURE


def write_report(folder: RunFolder, now: datetime | None = None) -> Path:
    """Writes report.html into a run's folder, whether the run is finished, interrupted or still going on.

    Args:
        folder: the run.
        now: the moment that the report names as its own; left out, the present.
    Returns:
        the path of the report.
    Raises:
        InputError: a file of the run is damaged, or the folder cannot be written.
        TrainwrightError: no space is left.
    """
    html = render_report(read_view(folder), now or datetime.now().astimezone())
    write_atomic(folder.report, html)
    return folder.report


def render_report(view: RunView, now: datetime) -> str:
    """Renders a view as one self-contained HTML page.

    Args:
        view: the run.
        now: the moment that the page names.
    """
    style = (TEMPLATES / "report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        page_environment()
        .get_template("report.html")
        .render(
            view=view,
            style=Markup(style),
            style_hash=digest,
            figure_name=wording.figure_name,
            checks_summary=checks_summary,
            inside=figures(view.watch) if view.watch is not None else {},
            loss_chart=_loss_chart(view.curves),
            figure_chart=_figure_chart(view.curves),
            figure_words=WORDS_OF.get(view.curves.figure, ""),
            loss_unit=LOSS_UNITS.get(view.task, ""),
            rate_chart=_step_chart(view.steps, view.steps.rates, "Learning rate", floor=0.0),
            step_loss_chart=_step_chart(view.steps, view.steps.losses, "Training loss", may_log=True),
            norm_chart=_step_chart(
                view.steps, view.steps.gradient_norms, "Gradient norm before clipping", may_log=True
            ),
            written=now.strftime("%Y-%m-%d %H:%M %Z").strip(),
            made_by=f"trainwright {version('trainwright')}",
        )
    )


def read_picture(path: Path) -> Picture:
    """Reads a PNG file so that it can stand in the page.

    Args:
        path: a PNG file.
    Raises:
        InputError: the file is no PNG.
    """
    blob = path.read_bytes()
    if blob[:8] != PNG_START or len(blob) < 24:
        raise InputError(
            "a picture of the run is damaged",
            expected="a PNG file",
            got=f"{len(blob)} bytes that begin with {blob[:8]!r}",
            where=str(path),
            hint="move it away; the report is written without it",
        )
    width, height = struct.unpack(">II", blob[16:24])
    return Picture(f"data:image/png;base64,{base64.b64encode(blob).decode()}", width, height)


def drawn_alone(picture: str) -> str:
    """Gives an SVG file with a style of its own as an address that a page can show."""
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"


@cache
def page_environment() -> Environment:
    """Gives what templates of pages are rendered in: every word escaped, the words of `wording` at hand."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words: tuple[Callable[..., Any], ...] = (
        wording.count,
        wording.duration,
        wording.interval,
        wording.large,
        wording.listed,
        wording.number,
        wording.percent,
        wording.plural,
        advised,
        chance_loss,
        shown,
        how_sure,
        picture_of,
        page_of,
        as_html,
        sketch_figure,
        withdrawn_words,
        level,
        matrix_chart,
        scatter_chart,
        read_picture,
        drawn_alone,
        rate_curve_picture,
        whisker_chart,
    )
    environment.globals |= {function.__name__: function for function in words}
    return environment


def chance_loss(classes: int) -> float:
    """Gives the cross-entropy of a net that knows nothing and calls all classes equally likely: ln K nats.

    >>> round(chance_loss(10), 2)
    2.3
    """
    return math.log(classes)


def _finalized(value: Any) -> Any:
    """Passes our own markup on and makes every other text printable; Jinja escapes it after that."""
    return wording.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _loss_chart(curves: Curves) -> Markup:
    series = [
        Series("training", "train", curves.train_loss),
        Series("validation", "valid", curves.valid_loss),
        Series("retraining", "retrain", curves.retrain_loss),
    ]
    return _epoch_chart(curves, series, "Loss", may_log=True)


def _figure_chart(curves: Curves) -> Markup:
    if curves.figure != "accuracy":
        title, scale, unit, within = CURVES_OF[curves.figure]
        own = [None if value is None else scale * value for value in curves.valid_figure]
        return _epoch_chart(curves, [Series("validation", "valid", own)], title + unit, within=within)
    named = {
        "training": ("train", curves.train_accuracy),
        "validation": ("valid", curves.valid_accuracy),
        "retraining": ("retrain", curves.retrain_accuracy),
    }
    series = [
        Series(name, style, [None if value is None else 100 * value for value in values])
        for name, (style, values) in named.items()
    ]
    return _epoch_chart(curves, series, "Accuracy, %", within=(0, 100))


def _epoch_chart(
    curves: Curves,
    series: list[Series],
    title: str,
    *,
    within: tuple[float, float] = ANYWHERE,
    may_log: bool = False,
) -> Markup:
    present = [line for line in series if any(value is not None for value in line.values)]
    mark = None if curves.best_epoch is None else Mark(curves.best_epoch, f"best: {curves.best_epoch}")
    return line_chart(curves.epochs, present, title=title, x_label="epoch", mark=mark, within=within, may_log=may_log)


def _step_chart(
    curve: StepCurve, values: tuple[float, ...], title: str, *, floor: float | None = None, may_log: bool = False
) -> Markup:
    if not values:
        return Markup()
    series = [Series(title, "plain", values)]
    if curve.second_from is not None:
        first = curve.second_from
        series = [
            Series("first stage", "plain", [*values[:first], *[None] * len(values[first:])]),
            Series("retraining", "retrain", [*[None] * first, *values[first:]]),
        ]
    return line_chart(curve.steps, series, title=title, x_label="step", floor=floor, may_log=may_log)
