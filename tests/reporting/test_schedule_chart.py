"""The planned learning rate: which points are drawn, and that the file opens by itself."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.reporting.charts import schedule_chart, schedule_file
from trainwright.reporting.views import PlannedRates, planned_rates

SVG = "{http://www.w3.org/2000/svg}"


def plan(rates: list[float], schedule: str = "cosine") -> PlannedRates:
    return planned_rates(schedule, 1, len(rates), rates)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=600))
def test_all_steps_of_a_short_run_are_drawn(rates):
    view = plan(rates)
    assert view.steps == tuple(range(1, len(rates) + 1))
    assert view.rates == tuple(rates)
    assert (view.peak_rate, view.peak_step) == (max(rates), rates.index(max(rates)) + 1)


@given(st.integers(601, 40_000), st.integers(1, 50))
def test_of_a_long_run_first_last_quarters_and_every_turn_are_drawn(total, cycles):
    rates = [1 - (step * cycles % total) / total for step in range(total)]
    view = plan(rates)
    assert len(view.steps) <= 605
    assert list(view.steps) == sorted(set(view.steps))
    drawn = dict(zip(view.steps, view.rates, strict=True))
    assert all(rate == rates[step - 1] for step, rate in drawn.items())
    for share in (0, total // 4, total // 2, 3 * total // 4, total - 1):
        assert share + 1 in drawn
    assert (max(drawn.values()), min(drawn.values())) == (max(rates), min(rates))


def test_the_chart_says_what_is_drawn_and_points_out_the_peak():
    svg = ET.fromstring(schedule_chart(plan([0.1, 0.2, 0.4, 0.3, 0.0])))
    texts = [text.text for text in svg.iter("text")]
    assert "Learning rate: cosine, 1 epoch of 5 steps" in texts
    assert "0.400 at step 3" in texts
    assert "before any drop" in schedule_chart(plan([0.1, 0.2], "plateau"))


def test_the_file_is_a_whole_svg():
    root = ET.fromstring(schedule_file(plan([0.1, 0.2, 0.4, 0.3, 0.0])))
    assert root.tag == f"{SVG}svg"
    assert all(element.tag.startswith(SVG) for element in root.iter())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_file_opens_in_chromium(browser: Any, tmp_path: Path, theme: str) -> None:
    path = tmp_path / "schedule.svg"
    path.write_text(schedule_file(planned_rates("cosine-restarts", 100, 10_009, [0.1, 0.2, 0.4, 0.3, 0.0])))
    page = browser.new_page(color_scheme=theme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    assert page.evaluate("document.querySelectorAll('parsererror').length") == 0
    box = page.evaluate(
        "(() => { const b = document.querySelector('.line').getBBox(); return [b.width, b.height]; })()"
    )
    assert box[0] > 300
    assert box[1] > 150
    color = page.evaluate("getComputedStyle(document.querySelector('.line')).stroke")
    assert color == {"light": "rgb(26, 95, 180)", "dark": "rgb(130, 180, 255)"}[theme]
    outside = page.evaluate(
        "[...document.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();"
        "return b.left < 0 || b.top < 0 || b.right > innerWidth; }).map(t => t.textContent)"
    )
    assert outside == []
    assert said == []
    page.close()
