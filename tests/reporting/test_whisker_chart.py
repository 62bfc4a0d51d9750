from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from trainwright.reporting.charts import whisker_chart


def place(svg: ET.Element, style: str) -> list[float]:
    data = next(path.get("d", "") for path in svg.findall("path") if path.get("class") == style)
    return [float(number) for number in re.findall(r"[MH]([\d.]+)", data)]


def test_share_interval_and_guess_stand_where_they_should() -> None:
    svg = ET.fromstring(whisker_chart(0.75, 0.5, 1.0, 0.25, 400))
    assert place(svg, "track") == [8, 412]
    assert place(svg, "measured") == pytest.approx([311])
    assert place(svg, "range") == pytest.approx([210, 412])
    assert place(svg, "guess") == pytest.approx([109])
    assert "measured 75.0\xa0%, 95 % interval 50.0 to 100.0\xa0%" in svg.get("aria-label", "")


def test_an_interval_of_no_width_can_still_be_seen() -> None:
    low, high = place(ET.fromstring(whisker_chart(0.5, 0.5, 0.5, 0.01, 10**6)), "range")
    assert high - low >= 1
