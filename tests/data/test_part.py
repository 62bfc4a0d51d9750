"""Parts joined and emptied: as if the data had been divided so from the start."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
import torch

from trainwright.data import PreparedData, prepare, write_data_files
from trainwright.recipe import DataSection
from trainwright.runs import RunFolder


def divided(section: DataSection, tmp_path) -> tuple[PreparedData, PreparedData]:
    """Gives data as they are divided, and the same with a split.csv in which validation pictures are for training."""
    data = prepare(section, seed=0)
    folder = RunFolder(tmp_path / "run")
    write_data_files(data, folder)
    folder.split.write_text(folder.split.read_text().replace(",valid,", ",train,"))
    return data, prepare(section, seed=0, given_split=folder.split)


def check_alike(ours: PreparedData, theirs: PreparedData) -> None:
    for part in ("train", "valid", "test"):
        mine, other = getattr(ours, part), getattr(theirs, part)
        assert tuple(mine.names) == tuple(other.names)
        for column in ("rows_N", "labels_N", "samples_N"):
            assert torch.equal(getattr(mine, column), getattr(other, column)), (part, column)


def test_validation_pictures_in_the_training_part_stand_as_a_split_would_have_put_them(tmp_path):
    data, expected = divided(DataSection(), tmp_path)
    joined = data.with_validation()
    check_alike(joined, expected)
    assert len(joined.valid) == 0
    assert len(joined.train) == len(data.train) + len(data.valid)
    assert torch.equal(joined.train.images(torch.arange(5)), expected.train.images(torch.arange(5)))
    assert len(data.valid) > 0, "the data themselves stay as they were"


def test_weights_have_mean_1_over_both_and_keep_their_proportions(make_folder, tmp_path):
    root = make_folder({"cats": 30, "dogs": 30})
    manifest = root / "list.csv"
    with manifest.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "weight"])
        for number, path in enumerate(sorted(root.glob("*/*"))):
            rows.writerow([path.relative_to(root), path.parent.name, 1 + number % 5])
    data, expected = divided(DataSection(source=str(manifest)), tmp_path)
    joined = data.with_validation()
    check_alike(joined, expected)
    assert joined.train.weights_N is not None
    assert joined.train.weights_N.numpy() == pytest.approx(expected.train.weights_N.numpy(), rel=1e-6)
    assert joined.train.mean_weight == pytest.approx(expected.train.mean_weight)
    again = replace(data, train=joined.train, valid=joined.valid).with_validation()
    assert torch.equal(again.train.weights_N, joined.train.weights_N), "nothing is left to be joined"
