"""Six small sets of pictures: digits, Fashion-MNIST, clip art by folder, photographs of things, drawn shapes, stripes.

Each is cut into training, validation and test once and kept as an .npz file in the user's cache.
Legend: N pictures, C channels, S side
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CACHE = Path(platformdirs.user_cache_dir("trainwright-faults"))
STAMPS = Path("/usr/share/tuxpaint/stamps")
CLIPART = Path("/usr/share/openclipart/png")
TRAIN, VALID, TEST = 384, 192, 500
SIDE = 16

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class Parts:
    """Pictures in N C S S, uint8, with their classes; `train`, `valid` and `test` share no picture."""

    train: Arrays
    valid: Arrays
    test: Arrays

    @property
    def classes(self) -> int:
        return int(max(part[1].max() for part in (self.train, self.valid, self.test))) + 1


def load(name: str) -> Parts:
    """Gives a set of pictures, made at the first call."""
    file = CACHE / f"{name}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        images, labels = MAKERS[name](np.random.default_rng(0))
        order = np.random.default_rng(1).permutation(len(labels))
        part = file.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(part, images=images[order], labels=labels[order].astype(np.int64))
        part.rename(file)
    with np.load(file) as kept:
        images, labels = kept["images"], kept["labels"]
    train = min(TRAIN, len(labels) // 2 // 32 * 32)
    valid = min(VALID, (len(labels) - train) // 2)
    ends = (0, train, train + valid, min(len(labels), train + valid + TEST))
    cuts = [(images[start:end], labels[start:end]) for start, end in pairwise(ends)]
    return Parts(*cuts)


def digits(_rng: np.random.Generator) -> Arrays:
    """Scanned digits of 8×8, each pixel doubled; about 92 % from 384 pictures."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = (found.images * 15.9375).astype(np.uint8)
    return images.repeat(2, 1).repeat(2, 2)[:, None], found.target


def fashion(rng: np.random.Generator) -> Arrays:
    """Clothes in gray, 28×28 made 16×16; about 80 % from 1,024 pictures."""
    from trainwright.data import prepare
    from trainwright.recipe import DataSection

    data = prepare(DataSection(source="fashion-mnist", valid_share=0.0), seed=0).train
    import torch

    chosen = torch.from_numpy(rng.permutation(len(data))[: TRAIN + VALID + TEST])
    images = data.images(chosen).squeeze(1).numpy()
    small = np.stack(
        [np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX)) for image in images]
    )
    return small[:, None], data.labels_N[chosen].numpy()


LARGEST = 60_000
"""Bytes of a drawing's file; larger ones take long to decode."""
FOLDERS = ("animals", "food", "people", "transportation", "geography", "office")


def clipart(rng: np.random.Generator) -> Arrays:
    """Drawings of six folders at 16×16, every file once: what a folder holds is hard to tell, about 50 %."""
    images, labels, seen = [], [], set()
    for label, folder in enumerate(FOLDERS):
        files = sorted(file for file in (CLIPART / folder).rglob("*.png") if file.stat().st_size < LARGEST)
        for file in rng.permutation(np.array([str(file) for file in files])):
            with Image.open(file) as opened:
                small = opened.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.BOX)
            paper = Image.new("RGB", small.size, "white")
            paper.paste(small, (0, 0), small)
            if (drawn := paper.tobytes()) not in seen:
                seen.add(drawn)
                images.append(np.asarray(paper).transpose(2, 0, 1))
                labels.append(label)
    return np.stack(images), np.array(labels)


def stamps(rng: np.random.Generator) -> Arrays:
    """Ten photographs of things at random size, place and turn on noise, 16×16; about 90 %."""
    folders = ("animals", "food", "vehicles", "household")
    files = [file for folder in folders for file in sorted((STAMPS / folder).rglob("*.png"))]
    chosen = [files[place] for place in rng.permutation(len(files))[:10]]
    things = [Image.open(file).convert("RGBA").resize((32, 32)) for file in chosen]
    count = TRAIN + VALID + TEST
    labels = rng.integers(len(things), size=count)
    images = np.empty((count, 3, SIDE, SIDE), np.uint8)
    for place, label in enumerate(labels):
        side = int(rng.integers(11, 16))
        paper = rng.normal(rng.uniform(60, 195, 3), 25, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
        thing = things[label].rotate(float(rng.uniform(-30, 30))).resize((side, side))
        picture = Image.fromarray(paper)
        picture.paste(thing, tuple(int(rng.integers(0, SIDE + 1 - side)) for _ in range(2)), thing)
        images[place] = np.asarray(picture).transpose(2, 0, 1)
    return images, labels


def shapes(rng: np.random.Generator) -> Arrays:
    """Six shapes, bright on any dark color, 16×16 with noise: what each is, is known; about 95 %."""
    count = TRAIN + VALID + TEST
    labels = rng.integers(6, size=count)
    images = np.empty((count, 3, SIDE, SIDE), np.uint8)
    for place, label in enumerate(labels):
        picture = Image.new("RGB", (64, 64), tuple(int(v) for v in rng.integers(0, 110, 3)))
        draw, ink = ImageDraw.Draw(picture), tuple(int(v) for v in rng.integers(150, 256, 3))
        x, y, r = (int(v) for v in (rng.integers(28, 37), rng.integers(28, 37), rng.integers(17, 25)))
        box = (x - r, y - r, x + r, y + r)
        if label == 0:
            draw.ellipse(box, fill=ink)
        elif label == 1:
            draw.polygon([(x - r, y - r), (x + r, y - r), (x, y + r)], fill=ink)
        elif label == 2:
            draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=ink)
        elif label == 3:
            draw.ellipse(box, outline=ink, width=7)
        elif label == 4:
            draw.line((x - r, y, x + r, y), fill=ink, width=10)
            draw.line((x, y - r, x, y + r), fill=ink, width=10)
        else:
            draw.rectangle(box, outline=ink, width=7)
        small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), np.float64)
        images[place] = (small + rng.normal(0, 15, small.shape)).clip(0, 255).astype(np.uint8).transpose(2, 0, 1)
    return images, labels


SHARES = (0.4, 0.25, 0.15, 0.1, 0.06, 0.04)


def uneven(rng: np.random.Generator) -> Arrays:
    """Gray stripes of six directions on noise, 16×16, the commonest ten times as common as the rarest."""
    count = TRAIN + VALID + TEST
    labels = rng.choice(len(SHARES), size=count, p=SHARES)
    rows, columns = np.mgrid[:16, :16]
    images = np.empty((count, 1, 16, 16), np.uint8)
    for place, label in enumerate(labels):
        turn = np.pi * (label + rng.normal(0, 0.12)) / len(SHARES)
        wave = np.cos(
            2 * np.pi * (rows * np.sin(turn) + columns * np.cos(turn)) / rng.uniform(4, 7) + rng.uniform(0, 7)
        )
        images[place, 0] = (128 + 50 * wave + rng.normal(0, 25, wave.shape)).clip(0, 255)
    return images, labels


MAKERS = {
    "digits": digits,
    "shapes": shapes,
    "clipart": clipart,
    "fashion": fashion,
    "stamps": stamps,
    "uneven": uneven,
}
