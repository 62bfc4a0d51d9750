"""The cells by which `lr-find` is judged, and their pictures.

python benchmarks/lr_find_cells.py   # draws the fresh cells again
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STAMPS = Path("/usr/share/tuxpaint/stamps")
CLIPART = Path("/usr/share/openclipart/png")
FOLDERS = ("animals", "computer", "food", "people", "recreation", "shapes", "signs_and_symbols", "transportation")
MOST_OF_FOLDER = 640
TOPS = (0, 2, 4, 6)
"""Classes of Fashion-MNIST that are hard to tell apart: T-shirt, pullover, coat, shirt."""

SEEDS = (0, 1, 2)
FASHION_TRAIN, TEST = 2048, 3000


@dataclass(frozen=True)
class Cell:
    """Data, net and optimizer; `fresh` ones judge, by the others rules were made or compared."""

    data: str
    net: str
    optimizer: str
    role: str = "fresh"

    @property
    def name(self) -> str:
        return f"{self.data} {self.net} {self.optimizer}"

    @property
    def seeds(self) -> tuple[int, ...]:
        return SEEDS[:2] if self.role == "fresh" or self.net == "mobilenetv3" else SEEDS


CELLS = (
    Cell("digits", "plain", "momentum", "curve"),
    Cell("toys", "plain", "adam", "curve"),
    Cell("toys", "small-resnet", "momentum", "curve"),
    Cell("digits", "small-resnet", "adam", "curve"),
    Cell("digits", "small-resnet", "sgd", "cycles"),
    Cell("digits", "plain", "adamw", "cycles"),
    Cell("digits", "mobilenetv3", "rmsprop", "cycles"),
    Cell("fashion", "small-resnet", "adamw", "cycles"),
    Cell("fashion", "plain", "rmsprop", "cycles"),
    Cell("fashion", "mobilenetv3", "sgd", "cycles"),
    Cell("drawings", "small-resnet", "rmsprop", "cycles"),
    Cell("drawings", "plain", "sgd", "cycles"),
    Cell("drawings", "mobilenetv3", "adamw", "cycles"),
    Cell("digits", "plain", "rmsprop", "middle"),
    Cell("digits", "small-resnet", "adagrad", "middle"),
    Cell("fashion", "plain", "sgd", "middle"),
    Cell("drawings", "plain", "adam", "middle"),
    Cell("fashion", "small-resnet", "momentum", "middle"),
    Cell("drawings", "small-resnet", "adamw", "middle"),
    Cell("toys", "small-resnet", "adamw", "middle"),
    Cell("toys", "mobilenetv3", "sgd", "middle"),
    Cell("drawings", "small-resnet", "sgd"),
    Cell("clipart", "plain", "momentum"),
    Cell("toys", "mobilenetv3", "nesterov"),
    Cell("tops", "small-resnet", "adagrad"),
    Cell("clipart", "small-resnet", "rmsprop"),
    Cell("digits", "plain", "adam"),
    Cell("fashion", "plain", "adamw"),
    Cell("tops", "plain", "timm:lion"),
)
ROLES = {
    "fresh": "Cells that are judged",
    "middle": "Cells that judged the lowest cycle, and were looked at before the middle was judged",
    "cycles": "Cells that were looked at before the cycles were added",
    "curve": "Cells by which the curve's rule was made",
}


def drawn() -> list[str]:
    """Draws the names of the fresh cells: every optimizer once, nets as in the eight before, both new data twice.

    All is drawn again while a cell is among those that were run before; the first draw holds none.
    """
    optimizers = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "timm:lion")
    nets = ("plain",) * 4 + ("small-resnet",) * 3 + ("mobilenetv3",)
    data = ("digits", "fashion", "drawings", "toys", "clipart", "clipart", "tops", "tops")
    known, rng = {cell.name for cell in CELLS if cell.role != "fresh"}, np.random.default_rng(0)
    while True:
        its_data, its_nets = rng.permutation(data), rng.permutation(nets)
        found = [" ".join(names) for names in zip(its_data, its_nets, optimizers, strict=True)]
        if not known & set(found):
            return found


def pictures(name: str) -> Path:
    """Writes data as an .npz file with parts of its own, once."""
    file = Path(tempfile.gettempdir()) / "trainwright-lr-find" / f"{name}.npz"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        made = {
            "digits": digits,
            "fashion": lambda: fashion(range(10)),
            "tops": lambda: fashion(TOPS),
            "clipart": clipart,
            "drawings": lambda: drawings(("animals",), 20),
            "toys": lambda: drawings(("vehicles", "food"), 12),
        }[name]()
        part = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, **made)
        part.rename(file)
    return file


def digits() -> Mapping[str, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    images, labels = (found.images * 15.9375).astype(np.uint8), found.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))
    train, test = order[:1024], order[1024:]
    return {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]}


def fashion(classes: Sequence[int]) -> Mapping[str, np.ndarray]:
    """Takes pictures of some classes of Fashion-MNIST, which are counted anew from 0."""
    import torch

    from trainwright.data import prepare
    from trainwright.recipe import DataSection

    data = prepare(DataSection(source="fashion-mnist", valid_share=0.0), seed=0)
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {}
    for name, part, count in (("train", data.train, FASHION_TRAIN), ("test", data.test, TEST)):
        among = np.flatnonzero(np.isin(part.labels_N.numpy(), classes))
        chosen = torch.from_numpy(among[rng.permutation(len(among))[:count]])
        found[f"x_{name}"] = part.images(chosen).squeeze(1).numpy()
        found[f"y_{name}"] = np.searchsorted(classes, part.labels_N[chosen].numpy())
    return found


def clipart() -> Mapping[str, np.ndarray]:
    """Tells eight folders of openclipart apart, from 316 to 640 pictures each, on white, 32×32."""
    from PIL import Image

    rng, images, labels = np.random.default_rng(0), list[np.ndarray](), list[int]()
    for label, folder in enumerate(FOLDERS):
        files = sorted((CLIPART / folder).rglob("*.png"))
        for place in rng.permutation(len(files))[:MOST_OF_FOLDER]:
            drawing = Image.open(files[place]).convert("RGBA")
            drawing.thumbnail((32, 32))
            picture = Image.new("RGB", (32, 32), "white")
            picture.paste(drawing, ((32 - drawing.width) // 2, (32 - drawing.height) // 2), drawing)
            images.append(np.asarray(picture))
            labels.append(label)
    order = rng.permutation(len(labels))
    x, y, train = np.stack(images)[order], np.array(labels, np.int64)[order], 2048
    return {"x_train": x[:train], "y_train": y[:train], "x_test": x[train:], "y_test": y[train:]}


def drawings(folders: Sequence[str], count: int) -> Mapping[str, np.ndarray]:
    """Draws so many of Tux Paint's stamps at random size, place and turn on noise."""
    from PIL import Image

    files = [file for folder in folders for file in sorted((STAMPS / folder).rglob("*.png"))]
    rng = np.random.default_rng(0)
    chosen = [files[place] for place in rng.permutation(len(files))[:count]]
    stamps = [Image.open(file).convert("RGBA").resize((48, 48)) for file in chosen]

    def drawn_on_noise(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(len(stamps), size=count)
        images = np.empty((count, 32, 32, 3), np.uint8)
        for place, label in enumerate(labels):
            side = int(rng.integers(16, 30))
            paper = rng.normal(rng.uniform(40, 215, 3), 30, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            stamp = stamps[label].rotate(float(rng.uniform(-40, 40))).resize((side, side))
            left, top = (int(rng.integers(0, 33 - side)) for _ in range(2))
            picture = Image.fromarray(paper)
            picture.paste(stamp, (left, top), stamp)
            images[place] = np.asarray(picture)
        return images, labels.astype(np.int64)

    (x_train, y_train), (x_test, y_test) = drawn_on_noise(2048), drawn_on_noise(TEST)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


if __name__ == "__main__":
    print(*drawn(), sep="\n")
