from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from trainwright.data import Catalog, Files
from trainwright.data.sources import folder_scan

Make = Callable[..., Path]
Open = Callable[..., Catalog]
Refuse = Callable[..., str]


def test_one_folder_a_class(make_folder: Make, catalog_of: Open):
    root = make_folder({"dogs": 2, "cats": 3})
    catalog = catalog_of(root)
    assert catalog.names == ("cats/000.png", "cats/001.png", "cats/002.png", "dogs/000.png", "dogs/001.png")
    assert catalog.labels == ("cats", "cats", "cats", "dogs", "dogs")
    assert set(catalog.splits) == set(catalog.groups) == {None}
    assert catalog.weights is None
    assert catalog.title == "photos"
    assert isinstance(catalog.pictures, Files)
    assert [path.relative_to(root).as_posix() for path in catalog.pictures.paths] == list(catalog.names)
    assert catalog.pictures.read(4) == (root / "dogs/001.png").read_bytes()


def test_nested_folders_keep_their_path_as_class_name(make_folder: Make, catalog_of: Open):
    catalog = catalog_of(make_folder({"a/x": 2, "b/x": 2, "a/y/z": 2}))
    assert Counter(catalog.labels) == {"a/x": 2, "b/x": 2, "a/y/z": 2}


def test_a_folder_may_be_a_class_and_hold_others(make_folder: Make, catalog_of: Open):
    catalog = catalog_of(make_folder({"birds": 2, "birds/owls": 2}))
    assert Counter(catalog.labels) == {"birds": 2, "birds/owls": 2}


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("VALID", "valid"),
        ("val", "valid"),
        ("dev", "valid"),
        ("validation", "valid"),
        ("test", "test"),
        ("Testing", "test"),
        ("eval", "test"),
    ],
)
def test_part_folders_go_by_many_names(make_folder: Make, catalog_of: Open, folder: str, split: str):
    catalog = catalog_of(make_folder({f"{folder}/cats": 2, f"{folder}/dogs": 1}), to_train=False)
    assert set(catalog.splits) == {split}
    assert catalog.labels == ("cats", "cats", "dogs")
    assert catalog.names[0] == f"{folder}/cats/000.png"


def test_all_parts_together(make_folder: Make, catalog_of: Open):
    counts = {f"{part}/{label}": 2 for part in ("train", "val", "test") for label in ("cats", "big/dogs")}
    catalog = catalog_of(make_folder(counts))
    assert Counter(zip(catalog.splits, catalog.labels, strict=True)) == {
        (part, label): 2 for part in ("train", "valid", "test") for label in ("cats", "big/dogs")
    }


def test_pictures_directly_in_the_root(make_folder: Make, refusal_of: Refuse):
    message = refusal_of(make_folder({".": 4}))
    assert "pictures without class folders" in message
    assert "4 pictures directly in the folder: '000.png', '001.png', '002.png', '003.png'" in message
    assert "columns path,label" in message
    assert "pictures beside the class folders" in refusal_of(make_folder({"cats": 1}))


def test_class_folders_beside_part_folders(make_folder: Make, refusal_of: Refuse):
    message = refusal_of(make_folder({"train/cats": 2, "dogs": 2}))
    assert "side by side" in message
    assert "parts 'train' beside 'dogs'" in message
    assert "move the class folders into train/" in message


def test_a_class_called_like_a_part_can_stand_in_train(make_folder: Make, catalog_of: Open):
    assert set(catalog_of(make_folder({"train/train": 2, "train/bus": 2})).labels) == {"bus", "train"}


def test_two_folders_for_one_part(make_folder: Make, refusal_of: Refuse):
    message = refusal_of(make_folder({"train/cats": 2, "val/cats": 2, "validation/cats": 2}))
    assert "several folders for the valid part" in message
    assert "'val', 'validation'" in message


def test_pictures_directly_in_a_part(make_folder: Make, refusal_of: Refuse):
    message = refusal_of(make_folder({"train/cats": 2, "test": 3}))
    assert "3 pictures directly in test/" in message
    assert "test/cats/1.jpg" in message


def test_an_empty_folder(tmp_path: Path, refusal_of: Refuse):
    (tmp_path / "void").mkdir()
    message = refusal_of(tmp_path / "void")
    assert "the folder is empty" in message
    assert "got: nothing" in message


def test_folders_without_pictures_tell_what_is_there(make_folder: Make, refusal_of: Refuse):
    root = make_folder({"cats": 0, "dogs": 0})
    assert "got: folders without files" in refusal_of(root)
    for index in range(3):
        (root / "cats" / f"{index}.heic").touch()
    (root / "readme").touch()
    message = refusal_of(root)
    assert "no pictures in the folder" in message
    assert "files of other kinds: 3 .heic, 1 no suffix" in message


def test_other_files_are_skipped_and_counted(make_folder: Make, catalog_of: Open):
    root = make_folder({"cats": 2, "dogs": 2})
    for name in ("Thumbs.db", "notes.TXT", "LICENSE", ".DS_Store", "._000.png", "odd.t\nt"):
        (root / "cats" / name).touch()
    os.mkfifo(root / "cats" / "pipe.png")
    (root / ".git").mkdir()
    (root / ".git" / "logo.png").touch()
    (root / "dogs" / "000.PNG").write_bytes(b"also a picture")
    catalog = catalog_of(root)
    assert dict(catalog.skipped) == {".db": 1, ".txt": 1, "no suffix": 1, "hidden": 3, ".t\\u000at": 1, ".png": 1}
    assert catalog.names == ("cats/000.png", "cats/001.png", "dogs/000.PNG", "dogs/000.png", "dogs/001.png")


def test_empty_class_folders_are_told(make_folder: Make, catalog_of: Open):
    assert catalog_of(make_folder({"cats": 2, "dogs": 2, "eels": 0})).notes == ("the folder eels holds no pictures",)


def test_strange_names_stay_apart_print_and_open(make_folder: Make, catalog_of: Open):
    root = make_folder({"two words": 2, 'it\'s "quoted"': 2, "<script>alert(1)<": 2, "line\nbreak": 2, "=cmd()": 2})
    raw = os.fsencode(root)
    for folder in (b"caf\xe9", b"caf\xe8", b"caf\\xe9"):
        os.mkdir(os.path.join(raw, folder))
        for name in (b"\xff.png", b"\xfe.png"):
            with open(os.path.join(raw, folder, name), "wb") as stream:
                stream.write(folder + name)
    catalog = catalog_of(root)
    assert set(catalog.labels) == {
        "two words",
        'it\'s "quoted"',
        "<script>alert(1)<",
        "line\\u000abreak",
        "=cmd()",
        "caf\\xe9",
        "caf\\xe8",
        "caf\\\\xe9",
    }
    assert len(set(catalog.names)) == len(catalog) == 16
    assert all(name.isprintable() for name in catalog.names)
    row = catalog.names.index("caf\\xe9/\\xff.png")
    assert catalog.pictures.read(row) == b"caf\xe9\xff.png"


def test_composed_and_decomposed_folder_names_are_one_class(make_folder: Make, catalog_of: Open):
    one, other = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    catalog = catalog_of(make_folder({f"train/{one}": 2, "train/bar": 2, f"test/{other}": 1}))
    assert set(catalog.labels) == {"bar", one}
    assert len(set(catalog.names)) == 5


def test_links_to_pictures_are_followed_and_broken_ones_listed(make_folder: Make, catalog_of: Open):
    root = make_folder({"cats": 2, "dogs": 2})
    (root / "cats" / "link.png").symlink_to(root / "dogs" / "000.png")
    (root / "cats" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "cats" / "gone.txt").symlink_to(root / "nowhere.txt")
    catalog = catalog_of(root)
    assert catalog.names[2:4] == ("cats/gone.png", "cats/link.png")
    assert catalog.pictures.read(3) == (root / "dogs" / "000.png").read_bytes()
    assert dict(catalog.skipped) == {".txt": 1}


def test_links_to_folders_outside_are_followed_once(make_folder: Make, catalog_of: Open):
    root = make_folder({"cats": 2})
    elsewhere = make_folder({".": 3}, root="elsewhere")
    (root / "dogs").symlink_to(elsewhere)
    (root / "eels").symlink_to(elsewhere)
    catalog = catalog_of(root)
    assert Counter(catalog.labels) == {"cats": 2, "dogs": 3}
    assert catalog.notes == ("the folder eels is another one again and was not read twice",)


def test_links_that_would_loop_are_not_followed(make_folder: Make, catalog_of: Open):
    root = make_folder({"cats": 2, "dogs": 2})
    (root / "cats" / "self").symlink_to(root / "cats")
    (root / "dogs" / "top").symlink_to(root)
    (root / "dogs" / "up").symlink_to("/")
    (root / "aliens").symlink_to(root / "dogs")
    catalog = catalog_of(root)
    assert Counter(catalog.labels) == {"cats": 2, "dogs": 2}
    assert catalog.notes == (
        "the link aliens leads to another folder of the same data and was not followed",
        "the link cats/self leads to another folder of the same data and was not followed",
        "the link dogs/top leads to another folder of the same data and was not followed",
        "the link dogs/up leads to a folder above the data and was not followed",
    )


def test_a_root_that_is_a_link_itself(make_folder: Make, catalog_of: Open, tmp_path: Path):
    (tmp_path / "alias").symlink_to(make_folder({"cats": 2, "dogs": 2}))
    assert len(catalog_of(tmp_path / "alias")) == 4


def test_a_folder_that_cannot_be_read(make_folder: Make, refusal_of: Refuse, monkeypatch: pytest.MonkeyPatch):
    root = make_folder({"cats": 2, "secret\n": 2})
    scandir = os.scandir

    def closed(path: str):
        if path.endswith("secret\n"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(folder_scan.os, "scandir", closed)
    message = refusal_of(root)
    assert "a folder of the data cannot be read" in message
    assert "got: Permission denied" in message
    assert "where: secret\\u000a" in message


def test_order_and_files_are_those_of_torchvision(make_folder: Make, catalog_of: Open):
    from torchvision.datasets import ImageFolder

    root = make_folder({"b": 3, "a": 4, "Z": 2, "ä": 2})
    catalog = catalog_of(root)
    reference = ImageFolder(str(root))
    assert isinstance(catalog.pictures, Files)
    assert [str(path) for path in catalog.pictures.paths] == [path for path, _ in reference.samples]
    assert list(catalog.labels) == [reference.classes[target] for _, target in reference.samples]
