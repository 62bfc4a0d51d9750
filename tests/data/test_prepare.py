"""From a recipe's section to parts that can be trained on, and every way in which that is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainwright.data import PreparedData, prepare, write_data_files
from trainwright.data.catalog import Arrays, Catalog, Files
from trainwright.data.prepare import prepare_catalog
from trainwright.errors import InputError
from trainwright.recipe import DataSection, Recipe
from trainwright.runs import RunFolder


def prepared(source: Path, **settings: object) -> PreparedData:
    return prepare(DataSection(source=str(source), **settings), seed=0)  # pyright: ignore[reportArgumentType]


def numbered(labels: str, **columns: object) -> Catalog:
    """Gray pictures of 8×8 noise, one for each letter, named by their place."""
    count = len(labels)
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    nothing = (None,) * count
    names = tuple(f"{number:03d}" for number in range(count))
    catalog = Catalog(names, tuple(labels), nothing, nothing, None, Arrays(images), "made", "")
    return replace(catalog, **columns)  # pyright: ignore[reportArgumentType]


def test_every_picture_stands_in_one_part_with_its_label(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"cats": 30, "dogs": 20, "owls": 10})
    data = prepared(root)
    assert data.classes == ("cats", "dogs", "owls")
    names = [name for part in (data.train, data.valid, data.test) for name in part.names]
    assert sorted(names) == [row.name for row in data.split]
    assert len(set(names)) == 60
    for part in (data.train, data.valid, data.test):
        pictures = part.images(torch.arange(len(part)))
        for row, name in enumerate(part.names):
            pixels = np.asarray(Image.open(root / name)).transpose(2, 0, 1)
            assert np.array_equal(pictures[row].numpy(), pixels)
            assert data.classes[part.labels_N[row]] == name.split("/")[0]
            assert data.split[part.samples_N[row]].name == name
    assert (data.img_size, data.channels) == (8, 3)
    assert [choice.key for choice in data.choices] == ["data.task", "data.color", "data.img_size", "data.cache"]
    assert Recipe().decide(data.choices).data.img_size == 8


def test_preparing_twice_gives_the_same_and_decodes_once(
    make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_folder({"cats": 20, "dogs": 20})
    first = prepared(root)
    monkeypatch.setattr("trainwright.data.ingest.decode", lambda *_, **__: pytest.fail("decoded again"))
    second = prepared(root)
    assert first.fingerprint == second.fingerprint
    assert first.split == second.split
    assert torch.equal(first.train.images(torch.arange(5)), second.train.images(torch.arange(5)))


@pytest.mark.parametrize("change", ["content", "label", "weight", "seed"])
def test_the_fingerprint_notices(change: str) -> None:
    catalog, section = numbered("ab" * 20), DataSection()
    before = prepare_catalog(catalog, section, seed=0).fingerprint
    assert prepare_catalog(catalog, section, seed=0).fingerprint == before
    if change == "content":
        images = catalog.pictures.images.copy()  # pyright: ignore
        images[0, 0, 0] ^= 1
        catalog = replace(catalog, pictures=Arrays(images))
    elif change == "label":
        catalog = replace(catalog, labels=("b", *catalog.labels[1:]))
    elif change == "weight":
        catalog = replace(catalog, weights=(2.0,) * 40)
    assert prepare_catalog(catalog, section, seed=int(change == "seed")).fingerprint != before


def test_the_order_of_the_catalog_does_not_count() -> None:
    catalog = numbered("abc" * 20)
    order = np.random.default_rng(1).permutation(60).tolist()
    columns = {key: tuple(getattr(catalog, key)[row] for row in order) for key in ("names", "labels")}
    shuffled = replace(catalog, **columns, pictures=Arrays(catalog.pictures.images[order]))  # pyright: ignore
    one, two = (prepare_catalog(one, DataSection(), seed=0) for one in (catalog, shuffled))
    assert one.fingerprint == two.fingerprint
    assert one.train.names == two.train.names
    assert torch.equal(one.train.samples_N, two.train.samples_N)
    assert torch.equal(one.train.images(torch.arange(9)), two.train.images(torch.arange(9)))


def test_groups_and_copies_stay_together() -> None:
    groups = tuple("g" if number < 6 else None for number in range(60))
    catalog = numbered("ab" * 30, groups=groups)
    images = catalog.pictures.images.copy()  # pyright: ignore[reportAttributeAccessIssue]
    images[10] = images[11] = images[12]
    images[20] = np.clip(images[21].astype(int) * 0.9 + 10, 0, 255).astype(np.uint8)
    catalog = replace(catalog, pictures=Arrays(images))
    for seed in range(8):
        part = {row.name: row.part for row in prepare_catalog(catalog, DataSection(), seed=seed).split}
        assert len({part[f"{number:03d}"] for number in range(6)}) == 1
        assert part["010"] == part["011"] == part["012"]
        assert part["020"] == part["021"]
    apart = set()
    for seed in range(8):
        section = DataSection(near_duplicates="ignore")
        part = {row.name: row.part for row in prepare_catalog(catalog, section, seed=seed).split}
        assert part["010"] == part["011"] == part["012"]
        apart.add(part["020"] == part["021"])
    assert apart == {True, False}


def test_weights_have_mean_one_over_the_training_part() -> None:
    catalog = numbered("ab" * 30, weights=tuple(float(number) for number in range(60)))
    train = prepare_catalog(catalog, DataSection(), seed=0).train
    assert train.weights_N is not None
    assert train.weights_N.mean().item() == pytest.approx(1)
    ratio = train.weights_N[5] / train.weights_N[1]
    assert ratio.item() == pytest.approx(int(train.names[5]) / int(train.names[1]))
    assert prepare_catalog(numbered("ab" * 9), DataSection(), seed=0).train.weights_N is None


def test_parts_may_be_empty() -> None:
    data = prepare_catalog(numbered("ab" * 9), DataSection(valid_share=0, test_share=0), seed=0)
    assert (len(data.train), len(data.valid), len(data.test)) == (18, 0, 0)
    assert data.valid.images(torch.arange(0)).shape == (0, 1, 8, 8)


def test_progress_is_told(make_folder: Callable[..., Path]) -> None:
    told: list[tuple[str, int, int]] = []
    section = DataSection(source=str(make_folder({"a": 5, "b": 5})))
    prepare(section, seed=0, progress=lambda *words: told.append(words))
    assert told == [("reading pictures", 10, 10), ("looking for copies", 0, 10), ("looking for copies", 10, 10)]


def refusal(catalog: Catalog, **settings: object) -> str:
    with pytest.raises(InputError) as caught:
        prepare_catalog(catalog, DataSection(**settings), seed=0)  # pyright: ignore[reportArgumentType]
    return str(caught.value)


def files(tmp_path: Path, content: Mapping[str, str]) -> Catalog:
    """Pictures, or texts that are none, by name and class."""
    paths = []
    for number, (name, label) in enumerate(content.items()):
        path = tmp_path / name
        if name.startswith("bad"):
            path.write_text("no picture")
        else:
            Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
        paths.append(path)
        assert label
    nothing = (None,) * len(content)
    return Catalog(tuple(content), tuple(content.values()), nothing, nothing, None, Files(tuple(paths)), "made", "")


def test_nothing_readable_is_refused(tmp_path: Path) -> None:
    catalog = files(tmp_path, {"bad1.png": "a", "bad2.png": "b"})
    assert refusal(catalog, img_size=8, color="gray") == (
        "none of the 2 pictures can be read\n"
        "  expected: JPEG, PNG, GIF, BMP, WEBP, TIFF or PPM files\n"
        "  got: 'bad1.png': not a picture file; 'bad2.png': not a picture file\n"
        "  where: made"
    )
    assert refusal(catalog).startswith("no picture can be read\n")


def test_a_class_of_which_nothing_is_readable_is_refused(tmp_path: Path) -> None:
    catalog = files(tmp_path, {"1.png": "a", "2.png": "a", "3.png": "b", "4.png": "b", "bad.png": "c"})
    assert refusal(catalog) == (
        "classes of which no picture can be read\n"
        "  expected: at least one readable picture of each class\n"
        "  got: 'c'\n"
        "  where: made\n"
        "  try: repair the files, or take these classes out; first reasons: 'bad.png': not a picture file"
    )


def test_a_class_left_with_one_readable_picture_is_refused(tmp_path: Path) -> None:
    catalog = files(tmp_path, {"1.png": "a", "2.png": "a", "3.png": "b", "bad.png": "b"})
    assert refusal(catalog).startswith("classes with a single picture, which cannot be in the training part")
    data = prepare_catalog(catalog, DataSection(valid_share=0, test_share=0), seed=0)
    assert data.classes == ("a", "b")
    assert [(one.name, one.reason) for one in data.rejected] == [("bad.png", "not a picture file")]
    assert len(data.train) == 3


def test_a_training_part_without_weight_is_refused() -> None:
    catalog = numbered("ab" * 5, splits=("train",) * 8 + ("test",) * 2, weights=(0.0,) * 8 + (1.0,) * 2)
    assert refusal(catalog, valid_share=0) == (
        "all pictures of the training part have weight 0\n"
        "  expected: at least one picture with a weight above 0\n"
        "  where: made"
    )
    weighted = replace(catalog, weights=(1.0,) * 8 + (0.0,) * 2)
    test = prepare_catalog(weighted, DataSection(valid_share=0), seed=0).test
    assert test.weights_N is not None
    assert test.weights_N.tolist() == [0.0, 0.0]


@pytest.fixture
def run(tmp_path: Path) -> tuple[Catalog, Path]:
    """A run that began with a catalog, and its split."""
    catalog = numbered("abcd" * 10)
    folder = RunFolder(tmp_path / "run")
    write_data_files(prepare_catalog(catalog, DataSection(), seed=3), folder)
    return catalog, folder.split


def test_a_stored_split_is_used_again(run: tuple[Catalog, Path]) -> None:
    catalog, path = run
    section = DataSection(valid_share=0.4, test_share=0.4)
    again = prepare_catalog(catalog, section, seed=77, given_split=path)
    assert again.split == prepare_catalog(catalog, DataSection(), seed=3).split


def test_changed_data_are_told_by_name(run: tuple[Catalog, Path]) -> None:
    catalog, path = run
    images = catalog.pictures.images.copy()  # pyright: ignore[reportAttributeAccessIssue]
    images[2:9] = 0
    names = (*catalog.names[:-2], "new1", "new2")
    labels = ("b", *catalog.labels[1:])
    changed = replace(catalog, names=names, labels=labels, pictures=Arrays(images))
    with pytest.raises(InputError) as caught:
        prepare_catalog(changed, DataSection(), seed=3, given_split=path)
    assert str(caught.value) == (
        "the data are not those that the run began with\n"
        f"  expected: the 40 pictures of {path}\n"
        "  got: 2 missing: '038', '039'; 2 added: 'new1', 'new2'; "
        "7 changed: '002', '003', '004', '005', '006' and 2 more; 1 of another class: '000'\n"
        "  try: bring the data back as they were, or start a new run"
    )
