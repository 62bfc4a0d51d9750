from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from trainwright.reporting.terminal.rows import head, row, time_left


def test_a_row_stands_beneath_its_head(invent: Any) -> None:
    names, units = (line.text for line in head()[:2])
    written = row(invent.epoch_record(2, done=0.5), 30, 75.0)
    assert written == "     2/30   0.0500  0.3713  89.17  0.2706    93.20*  3,123   1 %    412   1:15"
    assert len(names) == len(units) == len(written) == 78


def test_a_row_without_validation_has_dashes(invent: Any) -> None:
    record = replace(invent.epoch_record(1, done=0.5), valid_loss=None, valid_accuracy=None, best=False)
    assert row(record, 1, None).split() == ["1/1", "0.0500", "0.3713", "89.17", "–", "–", "3,123", "1", "%", "412", "–"]


def test_extreme_numbers_keep_the_columns(invent: Any) -> None:
    record = replace(
        invent.epoch_record(1000, done=0.5, learning_rate=1.23456e-7),
        train_loss=1.5e9,
        valid_loss=math.nan,
        train_accuracy=1.0,
        pictures_per_s=1_234_567.0,
        data_wait_share=1.0,
        memory_mib=78_000.0,
    )
    written = row(record, 1000, 86_400 * 12)
    assert len(written) == 78
    assert written.split() == [
        "1000/1000", "1.23e-07", "1.5e+09", "100.00", "nan", "93.20*", "1.23", "M", "100", "%", "78,000", "12d00",
    ]  # fmt: skip


def test_large_losses_do_not_run_together(invent: Any) -> None:
    record = replace(
        invent.epoch_record(1, done=0.5),
        train_accuracy=0.095,
        train_loss=1.27e10,
        valid_loss=5.36e8,
        valid_accuracy=0.095,
    )
    large = replace(record, train_loss=5.36e8, valid_loss=1.08e115)
    assert row(record, 2, None).split()[2:6] == ["1.3e+10", "9.50", "5.4e+08", "9.50*"]
    assert row(large, 2, None).split()[2:6] == ["5.4e+08", "9.50", "1e+115", "9.50*"]
    assert len(row(large, 2, None)) == len(row(invent.epoch_record(1, done=0.5), 2, None))


@pytest.mark.parametrize("r2", [-2_328_101.0, -0.0432, -12.34567, -123.4, -1.234e5])
def test_a_negative_figure_stands_apart_from_the_loss(invent: Any, r2: float) -> None:
    record = replace(invent.epoch_record(1, done=0.5), valid_loss=1.0705, valid_accuracy=None, valid_figures={"r2": r2})
    cells = row(record, 1, None, "regression").split()
    assert cells[3] == "1.0705"
    assert float(cells[4].rstrip("*")) == pytest.approx(r2, rel=0.05)


@pytest.mark.parametrize(
    ("task", "figures", "shown"),
    [
        ("multi-label", {"mean_average_precision": 0.5, "f1_macro": 0.25}, ["mAP", "%"]),
        ("regression", {"r2": 0.5}, ["R²"]),
        ("multi-label", {}, ["mAP", "%"]),
        ("regression", {}, ["R²"]),
    ],
)
def test_a_task_that_measures_no_figure_in_training_has_no_column_for_it(
    invent: Any, task: str, figures: dict[str, float], shown: list[str]
) -> None:
    names, units = (line.text for line in head(task)[:2])
    assert names.split() == ["learning", "train", "valid", "valid", "pict-", "data", "memory", "time"]
    assert units.split() == ["epoch", "rate", "loss", "loss", *shown, "ures/s", "wait", "MiB", "left"]
    measured = {"valid_loss": 0.25 if figures else None, "best": bool(figures), "valid_figures": figures}
    record = replace(invent.epoch_record(2, done=0.5), train_accuracy=None, valid_accuracy=None, **measured)
    written = row(record, 30, 75.0, task)
    assert len(names) == len(units) == len(written) == 71
    figure = "–" if not figures else "50.00*" if task == "multi-label" else "0.5000*"
    assert written.split()[2:6] == ["0.3713", "0.2500" if figures else "–", figure, "3,123"]


def test_pairs_are_counted_in_training_too(invent: Any) -> None:
    units = head("ranking")[1].text
    assert units.count("pair %") == 2
    record = replace(invent.epoch_record(2, done=0.5), valid_accuracy=None, valid_figures={"pair_accuracy": 0.75})
    assert row(record, 30, 75.0, "ranking").split()[3:6] == ["89.17", "0.2706", "75.00*"]


def test_time_left_follows_the_last_measured_epochs_and_forgets_the_slow_first(invent: Any) -> None:
    records = [
        replace(invent.epoch_record(n, done=n / 10), train_time_s=100.0 if n == 1 else 2.0, valid_time_s=0.5)
        for n in range(1, 5)
    ]
    assert time_left([], 10) is None
    assert time_left(records[:1], 10) == pytest.approx(9 * 100.5)
    assert time_left(records, 10) == pytest.approx(6 * 2.5)
    assert time_left(records, 4) == 0
