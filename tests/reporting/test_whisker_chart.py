from __future__ import annotations

import itertools
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


@pytest.mark.parametrize("guess", [0.01, 0.05, 0.1, 0.3, 0.45, 0.49, 0.5, 0.52, 0.6, 0.8, 0.9, 0.95, 0.99])
def test_no_word_is_written_over_another(guess: float) -> None:
    svg = ET.fromstring(whisker_chart(0.97, 0.95, 0.99, guess, 400))
    spans = []
    for text in svg.findall("text"):
        width = 6.2 * len(text.text or "")
        x = float(text.get("x", ""))
        spans.append((x, x + width) if text.get("text-anchor") == "start" else (x - width, x))
    spans = sorted(span for span in spans if span[0] < span[1])
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
