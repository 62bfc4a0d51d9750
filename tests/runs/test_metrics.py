from __future__ import annotations

import csv
import math
from dataclasses import fields, replace

from trainwright.runs import EpochRecord, History, write_metrics_csv

ROW = EpochRecord(
    epoch=1,
    step=10,
    learning_rate=0.1,
    train_loss=1 / 3,
    train_accuracy=0.5,
    valid_loss=None,
    valid_accuracy=None,
    best=True,
    train_time_s=1.0,
    valid_time_s=0.1,
    pictures_per_s=100.0,
    data_wait_share=0.0,
    memory_mib=10.0,
)


def test_one_row_an_epoch(tmp_path):
    path = tmp_path / "metrics.csv"
    write_metrics_csv(History.of([ROW, replace(ROW, epoch=2, best=False, train_loss=math.nan, valid_loss=1e-9)]), path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [field.name for field in fields(EpochRecord) if field.name != "valid_figures"]
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[0]["train_loss"]) == 1 / 3
    assert (rows[0]["valid_loss"], rows[0]["best"]) == ("", "1")
    assert (rows[1]["train_loss"], rows[1]["valid_loss"], rows[1]["best"]) == ("nan", "1e-09", "0")
    assert (rows[0]["stage"], rows[0]["added_loss"]) == ("first", "")
    assert b"\r" not in path.read_bytes()


def test_a_task_without_accuracy_has_columns_of_its_own(tmp_path):
    path = tmp_path / "metrics.csv"
    row = replace(ROW, train_accuracy=None, valid_figures={"mean_average_precision": 0.5, "f1_macro": None})
    write_metrics_csv(History.of([row]), path)
    with path.open(newline="") as file:
        (cells,) = csv.DictReader(file)
    assert not [name for name in cells if "accuracy" in name]
    assert (cells["valid_mean_average_precision"], cells["valid_f1_macro"]) == ("0.5", "")


def test_no_epoch_is_a_header(tmp_path):
    path = tmp_path / "metrics.csv"
    write_metrics_csv(History(), path)
    assert path.read_text().startswith("epoch,step,learning_rate,")
    assert path.read_text().count("\n") == 1
