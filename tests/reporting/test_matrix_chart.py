from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.reporting.charts import matrix_chart
from trainwright.reporting.charts.matrix import LEVELS, level
from trainwright.reporting.views.judgement import confusion


@given(st.floats(0, 1), st.floats(0, 1))
def test_levels_rise_with_the_share_and_only_nothing_is_level_0(a: float, b: float) -> None:
    assert level(min(a, b)) <= level(max(a, b)) <= LEVELS
    assert (level(a) == 0) == (a == 0)


def test_every_pair_that_occurs_has_its_cell() -> None:
    view = confusion(["<a>", "b", "c"], [[8, 2, 0], [0, 10, 0], [0, 0, 0]])
    svg = ET.fromstring(matrix_chart(view))
    cells = [rect for rect in svg.findall("rect") if rect.get("class") != "frame"]
    assert [cell.get("class") for cell in cells] == ["hit9", "miss4", "hit10"]
    assert [cell.find("title").text for cell in cells] == [  # type: ignore[union-attr]
        "8 pictures of <a> called <a> (80.0\xa0%)",
        "2 pictures of <a> called b (20.0\xa0%)",
        "10 pictures of b called b (100.0\xa0%)",
    ]
    assert (float(cells[1].get("x", "")), float(cells[1].get("y", ""))) == pytest.approx((140.0, 0.0))
    assert svg.get("aria-label") == "Confusion matrix of 3 classes: 18 of 20 pictures lie on the diagonal."
