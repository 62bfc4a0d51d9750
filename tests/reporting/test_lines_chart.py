from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest

from trainwright.reporting.charts import Mark, Series, line_chart

SPACE = {"svg": ""}


def drawn(*series: Series, xs: list[float] | None = None, **settings: object) -> ET.Element:
    places = xs or list(range(1, len(series[0].values) + 1))
    settings = {"title": "Loss", "x_label": "epoch", **settings}
    return ET.fromstring(line_chart(places, series, **settings))  # type: ignore[arg-type]


def points(svg: ET.Element, style: str) -> list[list[tuple[float, float]]]:
    """Reads the points of a line back, one list for each unbroken piece."""
    paths = [path.get("d", "") for path in svg.findall("path") if path.get("class") == f"line {style}"]
    data = next((d for d in paths if "L" in d), "")
    pieces = [piece for piece in data.split("M") if piece]
    return [[(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", piece)] for piece in pieces]


def texts(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


def test_places_are_proportional_to_values() -> None:
    (piece,) = points(drawn(Series("a", "plain", [0.0, 1.0, 0.5])), "plain")
    (x1, y1), (x2, y2), (x3, y3) = piece
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.15)
    assert y1 - y2 == pytest.approx(2 * (y3 - y2), abs=0.15)
    assert (x1, y1) == (52, 228)


def test_gaps_break_the_line_and_a_lone_value_is_a_dot() -> None:
    svg = drawn(Series("a", "plain", [1.0, 2.0, None, 3.0, math.nan, 2.0, 1.5]))
    assert [len(piece) for piece in points(svg, "plain")] == [2, 2]
    assert len(svg.findall("circle")) == 1


def test_a_joined_line_passes_over_places_where_it_was_not_measured() -> None:
    svg = drawn(Series("a", "plain", [1.0, None, 3.0, math.nan, 2.0, None, 1.5], joined=True))
    assert [len(piece) for piece in points(svg, "plain")] == [2, 2]
    assert not svg.findall("circle")


def test_names_of_lines_stand_below_a_title_that_is_long() -> None:
    for values, height in (([1.0, 2.0], "14"), ([1.0, 200.0], "29")):
        series = [Series(name, name, values) for name in ("as trained", "clean", "validation")]
        svg = ET.fromstring(line_chart([1, 2], series, title="Three losses", x_label="x", may_log=True))
        names = [text for text in svg.iter("text") if text.text in ("as trained", "clean", "validation")]
        assert {text.get("y") for text in names} == {height}


def test_a_single_epoch_is_a_dot() -> None:
    svg = drawn(Series("train", "train", [0.7]), Series("valid", "valid", [0.6]), mark=Mark(1, "best: 1"))
    assert {circle.get("class") for circle in svg.findall("circle")} == {"dot train", "dot valid"}
    assert "best: 1" in texts(svg)


def test_nothing_to_draw_draws_nothing() -> None:
    assert line_chart([1], [Series("a", "plain", [None])], title="t", x_label="x") == ""
    assert line_chart([1], [Series("a", "plain", [math.inf])], title="t", x_label="x") == ""


def test_wide_spans_are_drawn_by_their_logarithm() -> None:
    svg = drawn(Series("a", "plain", [10.0, 1.0, 0.1]), may_log=True)
    assert "Loss, logarithmic" in texts(svg)
    (piece,) = points(svg, "plain")
    assert piece[1][1] - piece[0][1] == pytest.approx(piece[2][1] - piece[1][1], abs=0.2)
    with_zero = drawn(Series("a", "plain", [10.0, 0.1, 0.0]), may_log=True)
    assert "Loss" in texts(with_zero)


def test_every_place_tells_its_values() -> None:
    svg = drawn(Series("training", "train", [0.5, 0.25]), Series("validation", "valid", [0.6, None]))
    assert [title.text for title in svg.iter("title")] == [
        "epoch 1\ntraining: 0.5000\nvalidation: 0.6000",
        "epoch 2\ntraining: 0.2500\nvalidation: –",
    ]
    assert "training from 0.500 at epoch 1 to 0.250 at 2" in svg.get("aria-label", "")


def test_many_places_answer_through_few_pointers() -> None:
    svg = drawn(Series("a", "plain", [float(n % 7) for n in range(5000)]))
    assert 250 <= len(list(svg.iter("title"))) <= 300


def test_the_mark_points_out_its_place_or_is_left_out() -> None:
    line = Series("a", "plain", [3.0, 2.0, 1.0])
    assert [path for path in drawn(line, mark=Mark(3, "best")).findall("path") if path.get("class") == "mark"]
    assert "best" not in texts(drawn(line, mark=Mark(9, "best")))


def test_text_is_escaped() -> None:
    markup = line_chart([1, 2], [Series("<b>", "plain", [1, 2])] * 2, title='<script>"', x_label="</svg>")
    assert "<script>" not in markup
    assert "<b>" not in markup
    assert ET.fromstring(markup).tag == "svg"


def test_shares_end_at_their_bounds() -> None:
    svg = drawn(Series("valid", "valid", [100.0]), title="Accuracy, %", within=(0, 100))
    assert [text for text in texts(svg) if text.isdigit()][:6] == ["90", "92", "94", "96", "98", "100"]
    assert "110" not in texts(svg)
