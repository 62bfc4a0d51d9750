from __future__ import annotations

import gzip
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


@pytest.mark.parametrize("packed", [False, True])
def test_pairs_are_read_as_torchvision_reads_them(make_idx: Make, catalog_of: Open, packed: bool):
    from torchvision.datasets.mnist import read_image_file, read_label_file

    root = make_idx({"t10k": 4, "train": 7}, packed=packed)
    catalog = catalog_of(root)
    for path in root.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    reference = [read_image_file(str(root / f"{word}-images-idx3-ubyte")).numpy() for word in ("train", "t10k")]
    labels = [read_label_file(str(root / f"{word}-labels-idx1-ubyte")).tolist() for word in ("train", "t10k")]
    assert np.array_equal(images_of(catalog), np.concatenate(reference))
    assert list(catalog.labels) == [str(label) for label in labels[0] + labels[1]]
    assert Counter(catalog.splits) == {"train": 7, "test": 4}
    assert catalog.names[0] == "train:00000"
    assert catalog.names[-1] == "test:00003"


def test_a_single_pair_without_a_part_is_divided_by_us(make_idx: Make, catalog_of: Open):
    catalog = catalog_of(make_idx({"": 6}))
    assert set(catalog.splits) == {None}
    assert catalog.names[5] == "picture:00005"
    assert isinstance(images_of(catalog), np.memmap)


def test_one_file_of_a_pair_finds_the_other(make_idx: Make, catalog_of: Open):
    root = make_idx({"train": 6, "t10k": 3}, packed=True)
    by_images = catalog_of(root / "train-images-idx3-ubyte.gz")
    by_labels = catalog_of(root / "train-labels-idx1-ubyte.gz")
    assert len(by_images) == 6
    assert by_images.labels == by_labels.labels
    assert np.array_equal(images_of(by_images), images_of(by_labels))


def test_capital_letters_do_not_matter(make_idx: Make, catalog_of: Open):
    root = make_idx({"train": 6})
    (root / "train-labels-idx1-ubyte").rename(root / "TRAIN-Labels.idx1-ubyte")
    assert len(catalog_of(root / "train-images-idx3-ubyte")) == 6


def test_plain_files_win_over_packed_ones_and_it_is_told(make_idx: Make, catalog_of: Open):
    make_idx({"train": 6}, packed=True)
    catalog = catalog_of(make_idx({"train": 6}))
    assert len(catalog) == 6
    assert catalog.notes == (
        "train-images-idx3-ubyte.gz is there twice, plain and packed; the plain one is read",
        "train-labels-idx1-ubyte.gz is there twice, plain and packed; the plain one is read",
    )


@pytest.mark.parametrize(("gone", "there"), [("labels-idx1", "images"), ("images-idx3", "labels")])
def test_half_a_pair(make_idx: Make, refusal_of: Refuse, gone: str, there: str):
    root = make_idx({"train": 6})
    (root / f"train-{gone}-ubyte").unlink()
    message = refusal_of(root)
    assert f"an IDX file of {there} without its {gone[:6]}" in message
    assert "both train-images-idx3-ubyte and train-labels-idx1-ubyte" in message
    assert f"an IDX file of {there}" in refusal_of(next(root.iterdir()))


def test_not_as_many_labels_as_pictures(make_idx: Make, refusal_of: Refuse):
    other = make_idx({"train": 5}, root="other")
    root = make_idx({"train": 6})
    (root / "train-labels-idx1-ubyte").write_bytes((other / "train-labels-idx1-ubyte").read_bytes())
    message = refusal_of(root)
    assert "not as many labels as pictures" in message
    assert "expected: 6 labels" in message
    assert "got: 5 labels" in message


def test_two_pairs_for_one_part(make_idx: Make, refusal_of: Refuse):
    message = refusal_of(make_idx({"test": 6, "t10k": 6}))
    assert "several IDX pairs for one part" in message
    assert "'t10k-images-idx3-ubyte', 'test-images-idx3-ubyte'" in message


def test_no_pictures_at_all(make_idx: Make, refusal_of: Refuse):
    assert "the data hold no pictures" in refusal_of(make_idx({"train": 0}))
