"""The range test on the terminal and as a picture: numbers, not pixels."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from trainwright.reporting import rate_curve, rate_curve_lines, rate_curve_picture

SVG = "{http://www.w3.org/2000/svg}"


def facts(**changed):
    rates = [10.0 ** (place / 10 - 4) for place in range(41)]
    mean = [2.3 - 1.5 * min(max(place - 20, 0), 10) / 10 for place in range(41)]
    rows = [{"seed": seed, "ended": "the last rate", "losses": mean, "smoothed": mean} for seed in range(2)]
    return {
        "suggested": 0.05,
        "lower": 0.0126,
        "upper": 0.1,
        "informative": True,
        "reason": "because <so>",
        "data": "digits & co",
        "model": "plain",
        "optimizer": "sgd",
        "growth": "exponential",
        "from": 1e-4,
        "to": 1.0,
        "steps": 41,
        "rates": rates,
        "curve": {"rates": rates, "mean": mean, "low": [x - 0.1 for x in mean], "high": [x + 0.1 for x in mean]},
        "traces": rows,
        **changed,
    }


def nothing_told(**changed):
    return facts(suggested=None, lower=None, upper=None, informative=False, **changed)


def test_the_line_falls_where_the_loss_does_and_the_ruler_stands_beneath_it():
    lines = rate_curve_lines(rate_curve(facts()))
    loss = next(line for line in lines if line.startswith("  loss"))
    ruler = lines[lines.index(loss) + 2]
    assert loss[8:49] == "█" * 21 + loss[29:38] + "▁" * 11
    assert [*loss[29:38]] == sorted(loss[29:38], reverse=True)
    assert [ruler.index(mark) - 8 for mark in "[^]"] == [21, 26, 30]
    assert "2.30 → 0.800 at its lowest" in loss
    assert "  suggested   0.05 for one-cycle, range 0.0126 to 0.1" in lines
    assert "  because     because <so>" in lines


def test_a_curve_that_tells_nothing_says_so():
    text = "\n".join(rate_curve_lines(rate_curve(nothing_told())))
    assert "suggested   nothing" in text
    assert "^" not in text


def test_without_a_single_step_there_is_no_line():
    empty = nothing_told(curve={name: [] for name in ("rates", "mean", "low", "high")}, traces=[])
    text = "\n".join(rate_curve_lines(rate_curve(empty)))
    assert "loss" not in text
    assert ET.fromstring(rate_curve_picture(rate_curve(empty))).tag == f"{SVG}svg"


def test_a_curve_that_explodes_leaves_the_rest_of_the_line_readable():
    losses = [*facts()["curve"]["mean"][:-1], 1e9]
    curve = {**facts()["curve"], "mean": losses}
    loss = next(line for line in rate_curve_lines(rate_curve(facts(curve=curve))) if line.startswith("  loss"))
    assert loss[8:10] == "▆▆"
    assert loss[48] == "█"


def places(path: str) -> list[tuple[float, float]]:
    return [tuple(float(x) for x in pair.split()) for pair in path.strip("MZ").split("L")]


def test_the_picture_has_mean_seeds_band_range_and_mark_at_their_places():
    svg = ET.fromstring(rate_curve_picture(rate_curve(facts())))
    paths = svg.findall(f"{SVG}path")
    kinds = [path.get("class") for path in paths]
    assert (kinds.count("seed"), kinds.count("band"), kinds.count("line"), kinds.count("mark")) == (2, 1, 1, 1)
    line = places(next(path.get("d") for path in paths if path.get("class") == "line"))
    assert len(line) == 41
    left, right = line[0][0], line[-1][0]
    mark = float(next(path.get("d") for path in paths if path.get("class") == "mark")[1:].split()[0])
    assert mark == pytest.approx(left + (right - left) * math.log10(0.05 / 1e-4) / 4, abs=0.2)
    (box,) = [box for box in svg.findall(f"{SVG}rect") if box.get("class") == "range"]
    width = (right - left) * math.log10(0.1 / 0.0126) / 4
    assert float(box.get("width")) == pytest.approx(width, abs=0.3)
    assert "0.05 for one-cycle" in [text.text for text in svg.findall(f"{SVG}text")]
    band = places(next(path.get("d") for path in paths if path.get("class") == "band"))
    assert len(band) == 82


def test_the_picture_of_a_linear_test_has_a_linear_axis():
    rates = [place / 40 for place in range(1, 42)]
    curve = {**facts()["curve"], "rates": rates}
    view = rate_curve(facts(growth="linear", rates=rates, curve=curve))
    line = next(p for p in ET.fromstring(rate_curve_picture(view)).findall(f"{SVG}path") if p.get("class") == "line")
    steps = [right[0] - left[0] for left, right in zip(places(line.get("d")), places(line.get("d"))[1:], strict=False)]
    assert max(steps) - min(steps) < 0.3


def test_one_seed_has_no_band():
    picture = rate_curve_picture(rate_curve(facts(traces=facts()["traces"][:1])))
    assert 'class="band"' not in picture
    assert "standard deviation" not in picture


def test_words_from_outside_are_escaped():
    picture = rate_curve_picture(rate_curve(facts()))
    assert "because &lt;so&gt;" in picture
    assert "digits &amp; co" in picture
