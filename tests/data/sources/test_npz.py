from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainwright.data import Arrays, Catalog
from trainwright.data.sources import npz

Open = Callable[..., Catalog]
Refuse = Callable[..., str]

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
LABELS = np.arange(6) % 2


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    def save(**arrays: object) -> Path:
        np.savez(tmp_path / "data.npz", **arrays)  # pyright: ignore
        return tmp_path / "data.npz"

    return save


def images_of(catalog: Catalog) -> np.ndarray:
    assert isinstance(catalog.pictures, Arrays)
    return catalog.pictures.images


@pytest.mark.parametrize(("x", "y"), [("images", "labels"), ("X", "y"), ("x", "Y")])
def test_pictures_without_parts(store: Callable[..., Path], catalog_of: Open, x: str, y: str):
    catalog = catalog_of(store(**{x: IMAGES, y: LABELS}))
    assert np.array_equal(images_of(catalog), IMAGES)
    assert catalog.labels == ("0", "1", "0", "1", "0", "1")
    assert set(catalog.splits) == {None}
    assert catalog.title == "data"


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"),
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
    ],
)
def test_pictures_in_parts(store: Callable[..., Path], catalog_of: Open, keys: tuple[str, ...]):
    arrays = {key: IMAGES[: 6 - index] if index % 2 == 0 else LABELS[: 7 - index] for index, key in enumerate(keys)}
    catalog = catalog_of(store(**arrays))
    assert Counter(catalog.splits) == {"train": 6, "valid": 4, "test": 2}
    assert catalog.names[6] == "valid:00000"
    assert np.array_equal(images_of(catalog), np.concatenate([IMAGES, IMAGES[:4], IMAGES[:2]]))


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (IMAGES.astype(np.int64), IMAGES),
        (IMAGES.astype(np.float32) / np.float32(255), IMAGES),
        (IMAGES.astype(np.float64) / 255, IMAGES),
        (IMAGES > 127, (IMAGES > 127).astype(np.uint8) * 255),
        (IMAGES.transpose(0, 3, 1, 2), IMAGES),
        (IMAGES[..., 0], IMAGES[..., 0]),
        (IMAGES[..., :1], IMAGES[..., 0]),
        (IMAGES[..., 0][:, None], IMAGES[..., 0]),
        (np.zeros((6, 4, 4), np.uint8), np.zeros((6, 4, 4), np.uint8)),
    ],
)
def test_forms_that_mean_one_thing(
    store: Callable[..., Path], catalog_of: Open, images: np.ndarray, expected: np.ndarray
):
    stored = images_of(catalog_of(store(images=images, labels=LABELS)))
    assert stored.dtype == np.uint8
    assert np.array_equal(stored, expected)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES.astype(np.float32), "got: float32 from 0.0 to 255.0"),
        (IMAGES.astype(np.float32) / 255 - 0.5, "got: float32 from -0.5"),
        (np.full((6, 4, 4), np.nan, np.float32), "from nan to nan"),
        (np.full((6, 4, 4), 1 / 512), "got: float64 from 0.00195"),
        (IMAGES.astype(np.int16) - 1, "got: int16 from -1 to 254"),
        (IMAGES.astype(np.uint16) * 257, "got: uint16 from 0 to 65535"),
        (IMAGES % 2, "got: uint8 from 0 to 1"),
        (IMAGES.astype(np.complex64), "got: complex64"),
        (IMAGES[:, :3, :, :3], "pictures of an ambiguous shape"),
        (np.zeros((6, 5, 4, 4), np.uint8), "pictures of an unknown shape"),
        (np.zeros((6, 20), np.uint8), "images.reshape(-1, height, width)"),
        (np.uint8(3), "got: a single number"),
    ],
)
def test_forms_that_could_mean_two_things(
    store: Callable[..., Path], refusal_of: Refuse, images: np.ndarray, words: str
):
    message = refusal_of(store(images=images, labels=LABELS))
    assert words in message
    assert "data.npz: images" in message


def test_labels_may_be_words_or_a_column_and_numbers_may_have_words(store: Callable[..., Path], catalog_of: Open):
    assert catalog_of(store(X=IMAGES, y=np.array(["cat", " dog"] * 3))).labels[:2] == ("cat", "dog")
    assert catalog_of(store(X=IMAGES, y=LABELS[:, None])).labels[:2] == ("0", "1")
    named = catalog_of(store(X=IMAGES, y=LABELS, class_names=np.array(["cat", "dog"])))
    assert named.labels[:2] == ("cat", "dog")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.eye(6), "got: float64 of shape (6, 6)"),
        (np.eye(6, dtype=int), "labels.argmax(1)"),
        (np.full(6, 0.5), "expected: one whole number or one word a picture"),
        (LABELS[:5], "not as many labels as pictures"),
        (np.array(["a", "b", "", "a", "b", "a"]), "a label is empty\n  got: picture 2 has no label"),
    ],
)
def test_labels_that_are_no_classes(store: Callable[..., Path], refusal_of: Refuse, labels: np.ndarray, words: str):
    assert words in refusal_of(store(images=IMAGES, labels=labels))


def test_a_key_called_classes_with_numbers_is_not_meant(store: Callable[..., Path], catalog_of: Open):
    catalog = catalog_of(store(X=IMAGES, y=LABELS, classes=np.array([5, 6])))
    assert catalog.labels[:2] == ("0", "1")
    assert catalog.notes == ("keys that are not used: 'classes'",)


def test_class_names_that_repeat(store: Callable[..., Path], refusal_of: Refuse):
    message = refusal_of(store(X=IMAGES, y=LABELS, class_names=np.array(["cat", "cat"])))
    assert "class names that repeat\n  expected: a different name for each number\n  got: 'cat', 'cat'" in message


def test_a_number_without_a_name(store: Callable[..., Path], refusal_of: Refuse):
    message = refusal_of(store(images=IMAGES, labels=LABELS + 1, class_names=np.array(["cat", "dog"])))
    assert "label numbers without a class name\n  expected: 0 to 1" in message
    assert "got: 2" in message


def test_parts_of_different_sizes(store: Callable[..., Path], refusal_of: Refuse):
    message = refusal_of(store(x_train=IMAGES, y_train=LABELS, x_test=IMAGES[..., 0], y_test=LABELS))
    assert "pictures of different sizes" in message
    assert "expected: 5×4 × 3 channels as in" in message
    assert "got: 5×4 gray" in message


@pytest.mark.parametrize("keys", [("a", "b"), ("images", "targets"), ("images", "labels", "X", "y"), ()])
def test_keys_that_do_not_say_what_is_what(store: Callable[..., Path], refusal_of: Refuse, keys: tuple[str, ...]):
    message = refusal_of(store(**{key: LABELS if index % 2 else IMAGES for index, key in enumerate(keys)}))
    assert "keys do not say what is what" in message
    assert "np.savez" in message


def test_keys_that_differ_by_capital_letters(store: Callable[..., Path], refusal_of: Refuse):
    assert "differ by capital letters only" in refusal_of(store(X=IMAGES, x=IMAGES, y=LABELS))


def test_other_keys_are_told(store: Callable[..., Path], catalog_of: Open):
    assert catalog_of(store(X=IMAGES, y=LABELS, mean=LABELS)).notes == ("keys that are not used: 'mean'",)


def test_python_objects_are_never_loaded(store: Callable[..., Path], refusal_of: Refuse, tmp_path: Path):
    class Bad:
        def __reduce__(self):
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    message = refusal_of(store(images=IMAGES, labels=np.array([Bad()] * 6, object)))
    assert "an .npz archive cannot be read" in message
    assert "allow_pickle=False" in message
    assert not (tmp_path / "ran").exists()


def test_damaged_archives(store: Callable[..., Path], refusal_of: Refuse):
    path = store(images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    assert "an .npz archive cannot be read\n  got: File is not a zip file" in refusal_of(path)
    path.write_bytes(whole[:300] + bytes(100) + whole[400:])
    assert "an .npz archive cannot be read\n  got: Bad CRC-32" in refusal_of(path)


def test_a_header_that_announces_more_than_there_is(tmp_path: Path, refusal_of: Refuse):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 58, 5, 4)})
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(100))
        archive.writestr("labels.npy", header.getvalue())
    assert "an .npz archive cannot be read" in refusal_of(tmp_path / "data.npz")


def test_a_member_that_is_no_array(tmp_path: Path, refusal_of: Refuse):
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("images", b"text")
        archive.writestr("labels", b"text")
    assert "pictures of an unknown shape" in refusal_of(tmp_path / "data.npz")


def test_an_archive_larger_than_the_memory(
    store: Callable[..., Path], refusal_of: Refuse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(npz, "free_memory", lambda: 100)
    assert "does not fit in memory\n  expected: at most the 100 bytes" in refusal_of(
        store(images=IMAGES, labels=LABELS)
    )
