"""Draws docs/pictures/preprocessing.png: pictures of clothes as a net sees them after each way of preprocessing.

    uv run python benchmarks/draw/preprocessing.py

Fashion-MNIST, everything fitted on its training part. Middle gray is 0, white 2.5 and above, black −2.5 and below; with
`minmax`, and with nothing done, white is 1.
"""

from __future__ import annotations

import torch
from paper import PICTURES
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from trainwright.data import fit_preprocessor, prepare
from trainwright.recipe import PreprocessSection, compose, parse_assignments

WAYS = {
    "none\nnone": ("none", "none", "none", 0.01),
    "center, scale\nchannel": ("channel", "channel", "none", 0.01),
    "center, scale\nimage": ("image", "image", "none", 0.01),
    "scale\nminmax": ("none", "minmax", "none", 0.01),
    "whiten zca\nepsilon 0.1": ("image", "none", "zca", 0.1),
    "whiten zca\nepsilon 0.001": ("image", "none", "zca", 0.001),
    "whiten pca\nepsilon 0.1": ("image", "none", "pca", 0.1),
}
PICTURES_SHOWN, FACTOR, GAP, HEAD = 5, 3, 4, 36


def seen(way: tuple[str, str, str, float], data, rows: Tensor) -> Tensor:
    """Preprocesses pictures and brings them to gray levels, uint8 N H W."""
    names = ("center", "scale", "whiten", "epsilon")
    section = PreprocessSection.model_validate(dict(zip(names, way, strict=True)))
    finished_NHW = fit_preprocessor(section, data.train).apply(data.train.images(rows))[:, 0]
    reach = 1.0 if way[1] in ("none", "minmax") and way[2] == "none" else 2.5
    return ((finished_NHW / reach + 1) / 2 * 255).round().clamp(0, 255).to(torch.uint8)


def main() -> None:
    data = prepare(compose(parse_assignments(["data.source=fashion-mnist"])).data, seed=0)
    rows = torch.tensor([int((data.train.labels_N == label).nonzero()[0]) for label in (0, 1, 5, 7, 8)])
    cell = data.img_size * FACTOR
    sheet = Image.new("RGB", (len(WAYS) * (cell + GAP) - GAP, HEAD + len(rows) * (cell + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for column, (name, way) in enumerate(WAYS.items()):
        x = column * (cell + GAP)
        draw.multiline_text((x, 3), "as stored" if way[1] == way[2] == "none" else name, fill="black", font=font)
        for row, gray_HW in enumerate(seen(way, data, rows)):
            picture = Image.fromarray(gray_HW.numpy()).resize((cell, cell), Image.Resampling.NEAREST)
            sheet.paste(picture, (x, HEAD + row * (cell + GAP)))
    path = PICTURES / "preprocessing.png"
    sheet.convert("L").save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
