"""Data sets made on the spot, in every form that trainwright reads."""

from __future__ import annotations

import csv
import gzip
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import Catalog, open_catalog
from trainwright.errors import InputError
from trainwright.recipe.data import DataSection


def write_picture(path: str | Path, seed: int = 0, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> None:
    """Writes a picture of random pixels; its suffix gives the format."""
    channels = () if mode == "L" else (len(mode),)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], *channels), np.uint8)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of pictures, all different: `make_folder({"cats": 3, "train/dogs": 2})`."""

    def make(counts: Mapping[str, int], *, root: str = "photos", suffix: str = ".png", mode: str = "RGB") -> Path:
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        seed = 0
        for below, count in counts.items():
            (folder / below).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                write_picture(folder / below / f"{index:03d}{suffix}", seed, mode=mode)
                seed += 1
        return folder

    return make


@pytest.fixture
def make_manifest(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV or TSV manifest of rows, and the pictures that it names by relative paths."""

    def make(
        rows: Sequence[Mapping[str, object]], *, name: str = "labels.csv", pictures: bool = True, bom: bool = False
    ) -> Path:
        path = tmp_path / "listed" / name
        path.parent.mkdir(exist_ok=True)
        header = list(rows[0])
        with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as stream:
            writer = csv.writer(stream, delimiter="\t" if name.endswith(".tsv") else ",")
            writer.writerow(header)
            writer.writerows([row[column] for column in header] for row in rows)
        for seed, row in enumerate(rows):
            picture = str(row.get("path", ""))
            if pictures and picture and not picture.startswith(("/", "..")):
                write_picture(path.parent / picture, seed)
        return path

    return make


def idx_bytes(array: np.ndarray) -> bytes:
    """Packs a uint8 array as an IDX file does."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def make_idx(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of IDX pairs: `make_idx({"train": 20, "t10k": 10}, packed=True)`; labels are index modulo 3."""

    def make(counts: Mapping[str, int], *, packed: bool = False, root: str = "idx") -> Path:
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        generator = np.random.default_rng(0)
        for word, count in counts.items():
            dash = "-" if word else ""
            for kind, array in (
                ("images-idx3", generator.integers(0, 256, (count, 5, 4), np.uint8)),
                ("labels-idx1", np.arange(count, dtype=np.uint8) % 3),
            ):
                content = idx_bytes(array)
                path = folder / f"{word}{dash}{kind}-ubyte{'.gz' if packed else ''}"
                path.write_bytes(gzip.compress(content) if packed else content)
        return folder

    return make


@pytest.fixture
def make_cifar(tmp_path: Path) -> Callable[..., Path]:
    """Makes a small CIFAR folder of either form: 5 training batches of 6 pictures (or one of 30), 6 test pictures."""

    def make(classes: int = 10, *, form: str = "python", protocol: int = 2, root: str = "cifar") -> Path:
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        generator = np.random.default_rng(classes)
        words = [f"class{number:02d}" for number in range(classes)]
        if classes == 10:
            files = {f"data_batch_{number}": 6 for number in range(1, 6)} | {"test_batch": 6}
        else:
            files = {"train": 30, "test": 6}
        for name, count in files.items():
            rows = generator.integers(0, 256, (count, 3072), np.uint8)
            labels = [index % 3 for index in range(count)]
            if form == "binary":
                head = np.array([labels], np.uint8).T if classes == 10 else np.array([[9] * count, labels], np.uint8).T
                (folder / f"{name}.bin").write_bytes(np.hstack([head, rows]).tobytes())
            else:
                batch = {"data": rows, "filenames": [f"{index}.png" for index in range(count)]}
                batch |= {"labels": labels} if classes == 10 else {"fine_labels": labels, "coarse_labels": [0] * count}
                (folder / name).write_bytes(pickle.dumps(batch, protocol))
        if form == "binary":
            (folder / ("batches.meta.txt" if classes == 10 else "fine_label_names.txt")).write_text("\n".join(words))
        else:
            meta = {"label_names": words} if classes == 10 else {"fine_label_names": words, "coarse_label_names": []}
            (folder / ("batches.meta" if classes == 10 else "meta")).write_bytes(pickle.dumps(meta, protocol))
        return folder

    return make


@pytest.fixture
def catalog_of() -> Callable[..., Catalog]:
    """Opens data with settings of the recipe's section `data`: `catalog_of(path, test_share=0.0)`."""

    def open_with(source: str | Path, *, to_train: bool = True, **settings: object) -> Catalog:
        return open_catalog(DataSection(source=str(source), **settings), to_train=to_train)  # pyright: ignore

    return open_with


@pytest.fixture
def refusal_of(catalog_of: Callable[..., Catalog]) -> Callable[..., str]:
    """Opens data that must be refused and gives the message."""

    def refuse(source: str | Path, **settings: object) -> str:
        with pytest.raises(InputError) as caught:
            catalog_of(source, **settings)
        return str(caught.value)

    return refuse
