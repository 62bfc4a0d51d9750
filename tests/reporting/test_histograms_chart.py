"""The picture of activations, read back as numbers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from reporting.test_activations import facts, row
from trainwright.reporting import activations_picture, activations_view
from trainwright.reporting.charts.histograms import BARS_HEIGHT, BARS_TOP, BARS_WIDTH, COLUMNS, PANEL_HEIGHT

NS = {"s": "http://www.w3.org/2000/svg"}


def drawn(*rows: dict[str, object]) -> ET.Element:
    return ET.fromstring(activations_picture(activations_view(facts(*rows))))


def panels(svg: ET.Element) -> list[ET.Element]:
    return svg.findall("s:g[@class='panel']", NS)


def test_bars_are_in_proportion_to_counts():
    (panel,) = panels(drawn(row("a", counts=[1, 4, 0, 2])))
    path = panel.find("s:path[@class='bars']", NS)
    assert path is not None
    pairs = re.findall(r"V([\d.]+)H([\d.]+)", path.get("d", ""))
    below = BARS_TOP + BARS_HEIGHT
    heights = [(below - float(y)) / BARS_HEIGHT for y, _ in pairs]
    assert heights == pytest.approx([0.25, 1, 0, 0.5], abs=0.01)
    assert [float(x) for _, x in pairs] == pytest.approx([BARS_WIDTH * part / 4 for part in (1, 2, 3, 4)], abs=0.1)


def test_zero_is_marked_where_it_lies():
    inside, outside = panels(drawn(row("a", low=-2.0, high=6.0), row("b", low=0.0, high=6.0)))
    mark = inside.find("s:path[@class='mark']", NS)
    assert mark is not None
    assert mark.get("d", "").startswith(f"M{BARS_WIDTH / 4:g}")
    assert outside.find("s:path[@class='mark']", NS) is None


def test_every_panel_says_its_numbers_and_has_a_place_of_its_own():
    rows = [row(f"layer{n}", zeros=0.5 * (n == 0), saturated=0.25 * (n == 1)) for n in range(2 * COLUMNS + 1)]
    svg = drawn(*rows)
    found = panels(svg)
    assert len({panel.get("transform") for panel in found}) == len(rows)
    assert "50.0\xa0% zeros" in "".join(found[0].itertext())
    assert "25.0\xa0% saturated" in "".join(found[1].itertext())
    assert "mean 0.250 · std 1.50" in "".join(found[2].itertext())
    assert "gradient std 0.00100" in "".join(found[2].itertext())
    last = float(re.findall(r" ([\d.]+)\)", found[-1].get("transform", ""))[0])
    assert last + PANEL_HEIGHT <= float(svg.get("height", "0"))


def test_deviations_along_the_net_are_lines_and_a_net_without_gradients_has_one():
    assert len(drawn(row("a"), row("b", std=0.01)).findall("s:svg", NS)) == 2
    assert len(drawn(row("a", gradient_std=None), row("b", gradient_std=None)).findall("s:svg", NS)) == 1
    assert drawn(row("a", std=None, gradient_std=None)).findall("s:svg", NS) == []


def test_long_names_are_cut_and_their_kind_left_to_the_pointer():
    (panel,) = panels(drawn(row("stages.3.blocks.11.attention.projection")))
    texts = [text.text or "" for text in panel.findall("s:text", NS)]
    assert texts[0].startswith("…")
    assert "Conv2d" not in texts
    title = panel.find("s:title", NS)
    assert title is not None
    assert "stages.3.blocks.11.attention.projection (Conv2d)" in (title.text or "")


def test_a_layer_without_finite_numbers_has_an_empty_panel():
    (panel,) = panels(drawn(row("a", counts=[0, 0, 0, 0], mean=None, std=None, low=0.0, high=0.0)))
    path = panel.find("s:path[@class='bars']", NS)
    assert path is not None
    assert path.get("d") == ""
    assert "mean – · std –" in "".join(panel.itertext())


def test_the_file_stands_alone_and_text_is_escaped():
    text = activations_picture(activations_view(facts(row("<b>"), model="<script>")))
    assert "<script>" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in text
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
