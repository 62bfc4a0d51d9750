"""The report of a search: one HTML file, as that of a run, with the pictures that people look at."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from trainwright.runs import SearchFolder, write_atomic

from .charts.parallel import parallel_chart
from .charts.projection import projection_chart
from .charts.trials import history_chart, losses_chart, slice_chart
from .report import TEMPLATES, page_environment
from .views.search import SearchAxis, SearchView, read_search


def write_search_report(folder: SearchFolder, now: datetime | None = None) -> Path:
    """Writes report.html into a search's folder, whether the search is finished or still going on.

    Args:
        folder: the search.
        now: the moment that the report names as its own; left out, the present.

    Raises:
        InputError: a file of the search is damaged.
    """
    write_atomic(folder.report, render_search(read_search(folder), now or datetime.now().astimezone()))
    return folder.report


def render_search(view: SearchView, now: datetime) -> str:
    """Renders a view as one self-contained HTML page."""
    style = "".join((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "search.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    pair = weightiest(view)
    return (
        page_environment()
        .get_template("search.html")
        .render(
            view=view,
            style=Markup(style),
            style_hash=digest,
            parallel=parallel_chart(view),
            losses=losses_chart(view.trials),
            history=history_chart(view),
            slices=[slice_chart(setting, view) for setting in view.axes],
            projection=projection_chart(*pair) if pair is not None and view.trials else Markup(),
            written=now.strftime("%Y-%m-%d %H:%M %Z").strip(),
            made_by=f"trainwright {version('trainwright')}",
        )
    )


def weightiest(view: SearchView) -> tuple[SearchAxis, SearchAxis] | None:
    """Gives the two settings of numbers on which most hangs, else the first two; None where there is one only."""
    numbers = [setting for setting in view.axes if not setting.words]
    ordered = sorted(numbers, key=lambda setting: -view.importance.get(setting.key, 0.0))
    return (ordered[0], ordered[1]) if len(ordered) > 1 else None
