"""Numbers far from all others are told with their picture, and heavy tails alone are left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import prepare
from trainwright.data.outliers import find_outlying, outlier_findings
from trainwright.recipe import DataSection


def names(count: int) -> list[str]:
    return [f"{number}.png" for number in range(count)]


@pytest.mark.parametrize("wrong", [1e100, -1e300, 1000.0])
def test_one_wrong_number_warns_and_is_named(wrong: float) -> None:
    values_N = np.random.default_rng(0).normal(3.0, 1.0, 500)
    values_N[17] = wrong
    found = find_outlying("age", values_N, names(500))
    assert found is not None
    (finding,) = outlier_findings([found])
    assert (finding.code, finding.severity) == ("numbers-outlying", "warn")
    assert finding.summary.startswith("1 training number in the column 'age' lies 50 deviations and more from the")
    assert finding.summary.endswith(f"{wrong:g} of '17.png'")
    assert finding.evidence["deviation_by_quartiles"] == pytest.approx(1.0, abs=0.1)
    assert finding.evidence["share_of_all_squared_distances"] > 0.99


def test_far_numbers_that_do_not_dominate_are_a_note() -> None:
    values_N = np.r_[np.linspace(0, 1, 900), np.linspace(10, 20, 90), [60.0, 61.0]]
    found = find_outlying("price", values_N, names(992))
    assert found is not None
    assert (found.numbers, found.picture) == (2, "991.png")
    (finding,) = outlier_findings([found])
    assert finding.severity == "note"
    assert finding.summary.endswith(": 61 of '991.png' is the farthest")


@pytest.mark.parametrize("seed", range(5))
def test_usual_columns_say_nothing(seed: int) -> None:
    generator = np.random.default_rng(seed)
    for values_N in (
        generator.normal(size=1000),
        generator.lognormal(size=1000),
        generator.exponential(size=1000),
        generator.integers(0, 2, 1000).astype(float),
        np.r_[np.zeros(990), np.ones(10)],
    ):
        assert find_outlying("x", values_N, names(len(values_N))) is None


def test_a_manifest_with_a_wrong_number(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = ["path,ratio,split"]
    for number in range(60):
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / f"{number:02d}.png")
        value = 1e100 if number == 7 else number / 60
        rows.append(f"{number:02d}.png,{value},{'train' if number < 50 else 'test'}")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    audit = prepare(DataSection(source=str(tmp_path / "m.csv"), target_columns="ratio"), seed=1).audit
    (finding,) = (one for one in audit.findings() if one.code == "numbers-outlying")
    assert finding.summary.endswith("1e+100 of '07.png'")
