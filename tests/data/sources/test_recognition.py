from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from trainwright.data import Catalog

Make = Callable[..., Path]
Open = Callable[..., Catalog]
Refuse = Callable[..., str]


def test_no_such_path_names_the_nearest(make_folder: Make, refusal_of: Refuse):
    root = make_folder({"cats": 2, "dogs": 2})
    message = refusal_of(root.parent / "phtos")
    assert "no such data" in message
    assert f"got: '{root.parent / 'phtos'}'" in message
    assert f"did you mean '{root}'?" in message


def test_a_mistyped_built_in_name(refusal_of: Refuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert "did you mean 'digits'?" in refusal_of("digit")
    assert "did you mean 'fashion-mnist'?" in refusal_of("fashion_mnist")
    message = refusal_of("zzzz/zzzz")
    assert "try:" not in message
    assert "expected: digits or fashion-mnist, a folder with one folder a class" in message


def test_a_name_that_is_built_in_and_a_folder(
    make_folder: Make, catalog_of: Open, refusal_of: Refuse, monkeypatch: pytest.MonkeyPatch
):
    root = make_folder({"cats": 2, "dogs": 2}, root="digits")
    monkeypatch.chdir(root.parent)
    message = refusal_of("digits")
    assert "means two things" in message
    assert f"'digits' is built in, and {root} exists" in message
    assert "write ./digits for the path" in message
    for path in ("./digits", "digits/", str(root)):
        assert len(catalog_of(path)) == 4


def test_the_home_folder_may_be_abbreviated(make_folder: Make, catalog_of: Open, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(make_folder({"cats": 2, "dogs": 2}).parent))
    assert len(catalog_of("~/photos")) == 4


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("notes.txt", None),
        ("photo.JPG", "name the folder that holds the class folders, not a picture"),
        ("photos.tar.gz", "unpack it and name the folder"),
    ],
)
def test_a_file_of_unknown_kind(tmp_path: Path, refusal_of: Refuse, name: str, hint: str | None):
    (tmp_path / name).touch()
    message = refusal_of(tmp_path / name)
    assert "a file of unknown kind" in message
    assert f"got: {name}" in message
    assert (hint in message) if hint else ("try:" not in message)


def test_a_cifar_batch_instead_of_its_folder(make_cifar: Make, refusal_of: Refuse):
    root = make_cifar()
    assert f"name the folder: {root}" in refusal_of(root / "data_batch_1")


def test_data_one_level_deeper(
    make_cifar: Make, make_idx: Make, make_manifest: Make, refusal_of: Refuse, tmp_path: Path
):
    for number, inner in enumerate((make_cifar(), make_idx({"train": 3}))):
        outer = tmp_path / f"outer{number}"
        outer.mkdir()
        inner.rename(outer / inner.name)
        message = refusal_of(outer)
        assert "no pictures in the folder" in message
        assert f"did you mean {outer / inner.name}?" in message
    manifest = make_manifest([{"path": "a", "label": "b"}], pictures=False)
    assert f"did you mean {manifest}?" in refusal_of(manifest.parent)


def test_class_folders_called_like_cifar_files(make_folder: Make, catalog_of: Open):
    assert set(catalog_of(make_folder({"train/meta": 2, "train/b": 2, "test/meta": 2})).labels) == {"b", "meta"}


def test_a_folder_that_cannot_be_read(make_folder: Make, refusal_of: Refuse, monkeypatch: pytest.MonkeyPatch):
    root = make_folder({"cats": 2})

    def closed(_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", closed)
    message = refusal_of(root)
    assert "the folder cannot be read\n  got: Permission denied" in message
    assert f"where: {root}" in message


@pytest.mark.parametrize("path", ["nul\0byte", "x" * 5000, "~nobody/photos", "a/" * 3000])
def test_paths_that_cannot_be(refusal_of: Refuse, path: str):
    assert "no such data" in refusal_of(path)


def test_a_file_in_a_folder_that_cannot_be_listed(tmp_path: Path, refusal_of: Refuse, monkeypatch: pytest.MonkeyPatch):
    def closed(_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "notes.txt").touch()
    monkeypatch.setattr(os, "listdir", closed)
    assert "a file of unknown kind" in refusal_of(tmp_path / "notes.txt")
    assert "no such data" in refusal_of(tmp_path / "note.txt")


def test_what_else_lies_in_the_folder_is_told(make_idx: Make, make_cifar: Make, catalog_of: Open):
    for root in (make_idx({"train": 6}), make_cifar()):
        (root / "readme.html").touch()
        (root / ".hidden").touch()
        assert catalog_of(root).notes == ("not read, as it is no part of these data: 'readme.html'",)


def test_what_cannot_be_learned_is_refused_only_for_training(make_folder: Make, catalog_of: Open, refusal_of: Refuse):
    root = make_folder({"cats": 3})
    assert "one class only" in refusal_of(root)
    assert len(catalog_of(root, to_train=False)) == 3
    assert "classes with a single picture" in refusal_of(make_folder({"cats": 3, "dogs": 1}))
