"""Draws the gallery of augmentations, docs/pictures/gallery-*.png, by `trainwright data FOLDER --preview`.

    uv run python benchmarks/draw/gallery.py

The pictures of the folder are drawn here as well: houses and boats with straight lines, plain colors and letters that
tell left from right, so that every trick can be seen.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from paper import PICTURES
from PIL import Image, ImageDraw, ImageFont

SIDE, FINE = 84, 4
"""Pixels of a picture, and how many times finer it is drawn."""

GEOMETRY = {
    "flip": "1",
    "vertical_flip": "1",
    "crop_padding": "20",
    "scale_jitter": "256-480",
    "resized_crop": "0.3",
    "rotate": "40",
    "scale": "0.5",
    "stretch": "1",
    "shear": "30",
    "translate": "0.3",
    "lens": "0.7",
}
PIXELS = {
    "brightness": "0.6",
    "contrast": "0.8",
    "saturation": "1",
    "hue": "0.5",
    "fancy_pca": "1",
    "noise": "0.15",
    "cutout": "32",
    "erase": "0.4",
}
ROWS = (1, 2, 4, 5)
FILLS = ("constant", "edge", "reflect", "symmetric", "wrap")
COLUMN = SIDE + 2
"""Pixels from one column of a sheet to the next."""


def draw_house(draw: ImageDraw.ImageDraw, generator: np.random.Generator) -> None:
    """Draws a house with a roof, a door on the left and a window on the right, on grass."""
    u = FINE * SIDE / 100
    left, wide, high = generator.integers(16, 30), generator.integers(44, 56), generator.integers(28, 40)
    wall, roof = (tuple(int(v) for v in generator.integers(90, 245, 3)) for _ in range(2))
    draw.rectangle((0, 82 * u, 100 * u, 100 * u), fill=(86, 140, 60))
    draw.rectangle((left * u, (82 - high) * u, (left + wide) * u, 82 * u), fill=wall)
    eaves = 82 - high
    draw.polygon(
        [((left - 6) * u, eaves * u), ((left + wide + 6) * u, eaves * u), ((left + wide / 2) * u, 14 * u)], roof
    )
    draw.rectangle(((left + 7) * u, 60 * u, (left + 19) * u, 82 * u), fill=(90, 58, 38))
    draw.rectangle(((left + wide - 20) * u, 60 * u, (left + wide - 8) * u, 72 * u), fill=(250, 240, 170))
    draw.text(((left + wide / 2 - 4) * u, (eaves + 3) * u), "F", fill=(30, 30, 40), font=ImageFont.load_default(15 * u))


def draw_boat(draw: ImageDraw.ImageDraw, generator: np.random.Generator) -> None:
    """Draws a boat with a mast, a sail to the right and waves."""
    u = FINE * SIDE / 100
    left, wide = generator.integers(12, 26), generator.integers(50, 62)
    hull, sail = (tuple(int(v) for v in generator.integers(70, 250, 3)) for _ in range(2))
    draw.rectangle((0, 74 * u, 100 * u, 100 * u), fill=(40, 96, 160))
    for wave in range(5):
        draw.line((wave * 22 * u, 90 * u, (wave * 22 + 12) * u, 90 * u), fill=(190, 215, 240), width=round(2 * u))
    ends = [(left, 66), (left + wide, 66), (left + wide - 10, 82), (left + 10, 82)]
    draw.polygon([(x * u, y * u) for x, y in ends], hull)
    mast = left + wide * 0.4
    draw.line((mast * u, 10 * u, mast * u, 66 * u), fill=(70, 50, 40), width=round(2.5 * u))
    draw.polygon([((mast + 2) * u, 14 * u), ((mast + 2) * u, 60 * u), ((mast + 32) * u, 60 * u)], sail)
    draw.text(((mast + 4) * u, 41 * u), "R", fill=(30, 30, 40), font=ImageFont.load_default(15 * u))


def make_folder(folder: Path) -> None:
    """Writes 12 pictures of each class; a picture's sky is its own."""
    generator = np.random.default_rng(5)
    for name, subject in (("boat", draw_boat), ("house", draw_house)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            sky = tuple(int(v) for v in generator.integers((130, 170, 200), (220, 225, 256)))
            picture = Image.new("RGB", (FINE * SIDE, FINE * SIDE), sky)
            subject(ImageDraw.Draw(picture), generator)
            picture.resize((SIDE, SIDE), Image.Resampling.BOX).save(folder / name / f"{number:02}.png")


def preview(folder: Path, tricks: dict[str, str], fill: str = "constant") -> Image.Image:
    """Runs the command and reads the sheet that it writes, without its last column, all tricks together."""
    words = [f"--set=augment.{name}={value}" for name, value in tricks.items()]
    path = folder.parent / "sheet.png"
    command = [sys.executable, "-m", "trainwright", "data", str(folder), f"--img-size={SIDE}", f"--preview={path}"]
    subprocess.run([*command, "--set=augment.policy=none", f"--set=augment.fill={fill}", *words], check=True)
    sheet = Image.open(path).convert("RGB")
    return sheet.crop((0, 0, (1 + len(tricks)) * COLUMN - 2, sheet.height))


def save(sheet: Image.Image, name: str) -> None:
    """Keeps four of the six rows, two of each class, in 256 colors."""
    head = sheet.height - 6 * COLUMN + 2
    kept = Image.new("RGB", (sheet.width, head + len(ROWS) * COLUMN - 2), "white")
    kept.paste(sheet.crop((0, 0, sheet.width, head)))
    for place, row in enumerate(ROWS):
        top = head + row * COLUMN
        kept.paste(sheet.crop((0, top, sheet.width, top + SIDE)), (0, head + place * COLUMN))
    path = PICTURES / f"gallery-{name}.png"
    kept.quantize(256).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        make_folder(folder)
        save(preview(folder, GEOMETRY), "geometry")
        save(preview(folder, PIXELS), "pixels")
        sheets = [preview(folder, {"translate": "0.5"}, fill) for fill in FILLS]
        joined = Image.new("RGB", ((1 + len(FILLS)) * COLUMN - 2, sheets[0].height), "white")
        joined.paste(sheets[0].crop((0, 0, SIDE, joined.height)), (0, 0))
        draw = ImageDraw.Draw(joined)
        for number, (fill, sheet) in enumerate(zip(FILLS, sheets, strict=True), start=1):
            joined.paste(sheet.crop((COLUMN, 0, COLUMN + SIDE, joined.height)), (number * COLUMN, 0))
            head = joined.height - 6 * COLUMN + 2
            draw.rectangle((number * COLUMN, 0, number * COLUMN + SIDE, head - 1), fill="white")
            draw.text((number * COLUMN, 2), f"translate 0.5\n{fill}", fill="black", font=ImageFont.load_default(12))
        save(joined, "fill")


if __name__ == "__main__":
    main()
