"""Folds: every picture judged once, the test part apart, groups whole, every class in every part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import prepare, prepare_folds
from trainwright.errors import InputError
from trainwright.recipe import DataSection


def write(folder: Path, counts: dict[str, int]) -> Path:
    """Writes pictures of noise in class folders."""
    rng = np.random.default_rng(0)
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 255, (16, 16), np.uint8)).save(folder / label / f"{number:03d}.png")
    return folder


def manifest(tmp_path: Path, groups: list[tuple[str, str]]) -> Path:
    """Writes a manifest with a picture of noise for each (label, group)."""
    rng = np.random.default_rng(0)
    rows = ["path,label,group"]
    for number, (label, group) in enumerate(groups):
        Image.fromarray(rng.integers(0, 255, (16, 16), np.uint8)).save(tmp_path / f"{number:03d}.png")
        rows.append(f"{number:03d}.png,{label},{group}")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    return tmp_path / "m.csv"


def test_every_picture_outside_the_test_part_is_judged_in_exactly_one_fold():
    section = DataSection(source="digits")
    whole = prepare(section, seed=0)
    folds = prepare_folds(section, folds=4, seed=0)
    judged = [name for fold in folds for name in fold.valid.names]
    assert sorted(judged) == sorted([*whole.train.names, *whole.valid.names])
    for fold in folds:
        assert fold.test.names == whole.test.names
        assert not set(fold.train.names) & set(fold.valid.names)
        assert fold.train.images_SCHW is folds[0].train.images_SCHW
        counts = np.bincount(fold.valid.labels_N.numpy(), minlength=10)
        assert counts.min() >= 0.8 * counts.mean()
        assert fold.classes == whole.classes


def test_folds_are_a_function_of_the_seed():
    section = DataSection(source="digits")
    names = [prepare_folds(section, folds=2, seed=seed)[0].valid.names for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]


def test_groups_stay_together(tmp_path):
    groups = [(label, f"{label}{number // 4}") for label in "ab" for number in range(40)]
    path = manifest(tmp_path, groups)
    group_of = {f"{number:03d}.png": group for number, (_, group) in enumerate(groups)}
    for fold in prepare_folds(DataSection(source=str(path)), folds=3, seed=0):
        assert not {group_of[name] for name in fold.train.names} & {group_of[name] for name in fold.valid.names}


def test_a_class_with_fewer_pictures_than_folds_is_told(tmp_path):
    source = write(tmp_path / "photos", {"cat": 30, "dog": 5})
    with pytest.raises(InputError) as caught:
        prepare_folds(DataSection(source=str(source)), folds=5, seed=0)
    assert "with 5 folds some fold would lack a class" in str(caught.value)
    assert "of 'dog'" in str(caught.value)
    assert "try: --folds 4" in str(caught.value)


def test_a_fold_that_lacks_a_class_because_of_large_groups_is_told(tmp_path):
    groups = [("a", "one")] * 20 + [("b", "one")] * 2 + [("a", "two")] * 20 + [("b", "three")] * 20
    path = manifest(tmp_path, groups)
    with pytest.raises(InputError, match="lacks a class") as caught:
        prepare_folds(DataSection(source=str(path), test_share=0.0), folds=2, seed=0)
    assert "a single class is left" in str(caught.value) or "none of" in str(caught.value)


def test_other_tasks_have_folds_too_and_too_few_pictures_are_told(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["path,size"]
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (16, 16), np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{number / 7:.3f}")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    section = DataSection(source=str(tmp_path / "m.csv"), target_columns="size", task="regression")
    assert sum(len(fold.valid) for fold in prepare_folds(section, folds=3, seed=0)) == 10
    with pytest.raises(InputError, match="fewer pictures, or groups of pictures, than folds"):
        prepare_folds(section, folds=11, seed=0)
