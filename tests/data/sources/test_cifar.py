from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainwright.data import Arrays, Catalog

Make = Callable[..., Path]
Open = Callable[..., Catalog]
Refuse = Callable[..., str]


def images_of(catalog: Catalog) -> np.ndarray:
    assert isinstance(catalog.pictures, Arrays)
    return catalog.pictures.images


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_python_batches_are_read_as_torchvision_reads_them(
    make_cifar: Make, catalog_of: Open, monkeypatch: pytest.MonkeyPatch, classes: int, protocol: int
):
    from torchvision.datasets import CIFAR10, CIFAR100

    kind = {10: CIFAR10, 100: CIFAR100}[classes]
    root = make_cifar(classes, protocol=protocol, root=kind.base_folder)
    monkeypatch.setattr(kind, "_check_integrity", lambda _: True)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": None})
    reference = [kind(str(root.parent), train=train) for train in (True, False)]
    catalog = catalog_of(root)
    assert np.array_equal(images_of(catalog), np.concatenate([part.data for part in reference]))
    assert list(catalog.labels) == [part.classes[target] for part in reference for target in part.targets]
    assert Counter(catalog.splits) == {"train": 30, "test": 6}
    assert catalog.names[30] == "test:00000"


@pytest.mark.parametrize("classes", [10, 100])
def test_binary_batches_hold_the_same_as_python_batches(make_cifar: Make, catalog_of: Open, classes: int):
    one = catalog_of(make_cifar(classes))
    other = catalog_of(make_cifar(classes, form="binary", root="binary"))
    assert np.array_equal(images_of(one), images_of(other))
    assert (one.labels, one.splits, one.names) == (other.labels, other.splits, other.names)
    assert "binary batches" in other.description


def test_pictures_stand_upright(make_cifar: Make, catalog_of: Open):
    root = make_cifar()
    batch = pickle.loads((root / "data_batch_1").read_bytes())
    batch["data"][0] = np.arange(3072) % 251
    (root / "data_batch_1").write_bytes(pickle.dumps(batch, 2))
    picture_HWC = images_of(catalog_of(root))[0]
    assert picture_HWC[2, 5].tolist() == [(channel * 1024 + 2 * 32 + 5) % 251 for channel in range(3)]


def test_a_missing_batch(make_cifar: Make, refusal_of: Refuse):
    root = make_cifar()
    (root / "data_batch_3").unlink()
    message = refusal_of(root)
    assert "a CIFAR batch is missing" in message
    assert "data_batch_1 to data_batch_5" in message


def test_only_the_test_part(make_cifar: Make, catalog_of: Open, refusal_of: Refuse):
    root = make_cifar(100)
    (root / "train").unlink()
    assert len(catalog_of(root, to_train=False)) == 6
    assert "no training part" in refusal_of(root)


def test_class_names_missing(make_cifar: Make, refusal_of: Refuse):
    root = make_cifar()
    (root / "batches.meta").unlink()
    assert "without their class names\n  expected: batches.meta" in refusal_of(root)
    root = make_cifar(form="binary", root="binary")
    (root / "batches.meta.txt").write_text("")
    assert "a CIFAR file without class names\n  expected: a list of 10 names" in refusal_of(root)


@pytest.mark.parametrize("names", [None, [["a"], ["b"]], ["a", "a"], "abc", {"a": 1}])
def test_class_names_that_are_none(make_cifar: Make, refusal_of: Refuse, names: object):
    root = make_cifar()
    (root / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, 2))
    assert "a CIFAR file without class names" in refusal_of(root)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ([1], "a CIFAR batch that is no dict\n  got: list"),
        (
            {"labels": [0]},
            "a CIFAR batch without pictures\n  expected: data: uint8, N × 3072\n  got: the keys 'labels'",
        ),
        ({"data": np.zeros((2, 100), np.uint8), "labels": [0, 1]}, "got: shape (2, 100)"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, "a CIFAR batch without labels\n  expected: 2 class"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [1 << 70]}, "a CIFAR batch without labels"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": None}, "got: no list"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}, "label numbers without a class name"),
    ],
)
def test_batches_that_are_none(make_cifar: Make, refusal_of: Refuse, batch: object, words: str):
    root = make_cifar()
    (root / "data_batch_2").write_bytes(pickle.dumps(batch, 2))
    assert words in refusal_of(root)


def test_a_binary_batch_that_is_cut_off(make_cifar: Make, refusal_of: Refuse):
    root = make_cifar(form="binary")
    path = root / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    message = refusal_of(root)
    assert "a CIFAR batch is cut off or is none" in message
    assert "records of 3073 bytes" in message
    assert "got: 18437 bytes" in message


@pytest.mark.parametrize("call", [(os.system, ("touch ran",)), (eval, ("open('ran', 'w')",))])
def test_a_malicious_batch_is_refused_and_not_executed(
    make_cifar: Make, refusal_of: Refuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: tuple
):
    class Bad:
        def __reduce__(self):
            return call

    monkeypatch.chdir(tmp_path)
    root = make_cifar()
    (root / "data_batch_4").write_bytes(pickle.dumps({"data": Bad()}, 2))
    message = refusal_of(root)
    assert "nothing of it was executed" in message
    assert "data_batch_4" in message
    assert not (tmp_path / "ran").exists()


def test_a_file_that_cannot_be_read(make_cifar: Make, refusal_of: Refuse, monkeypatch: pytest.MonkeyPatch):
    def closed(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    root = make_cifar()
    monkeypatch.setattr(Path, "read_bytes", closed)
    assert "a CIFAR file cannot be read\n  got: Permission denied" in refusal_of(root)
