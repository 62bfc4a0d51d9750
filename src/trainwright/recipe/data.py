"""Which pictures, how they are read, and how they are divided."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting

Task = Literal["classification", "multi-label", "regression", "ranking"]

BUILT_IN_DATA = ("digits", "fashion-mnist")


class DataSection(Section):
    """The section `data`."""

    source: str = setting(
        "digits",
        "Built-in data (`digits`, `fashion-mnist`) or a path: a folder with one folder a class, train/val/test "
        "folders, a CSV, TSV or Parquet manifest, an `.npz` file, a folder of IDX or CIFAR files.",
        source="own choice",
    )
    task: Literal["auto", "classification", "multi-label", "regression", "ranking"] = setting(
        "auto",
        "What the net learns to say of a picture. `classification`: its one class. `multi-label`: all labels that "
        "hold, any number of them. `regression`: one or more numbers. `ranking`: a score, higher for the better of two "
        "pictures. All but classification need a manifest. `auto`: classification, unless a setting that belongs to "
        "another task is given. See docs/tasks.md.",
        source="own choice",
        also_called={
            "classification": ("binary", "multi-class", "multiclass"),
            "multi-label": ("tagging",),
            "ranking": ("pairs", "pairwise"),
        },
    )
    img_size: int | Auto = setting(
        "auto",
        "Side of the square pictures that the net sees. `auto`: the size of small pictures as they are, up to 224.",
        unit="pixels",
        source="own choice",
        ge=4,
        le=1024,
    )
    color: Literal["auto", "gray", "rgb"] = setting(
        "auto",
        "Channels of the cached pictures: `gray`: 1, `rgb`: 3. `auto`: gray where every picture is gray.",
        source="own choice",
        also_called={"gray": ("grayscale", "greyscale", "mono", "l"), "rgb": ("color", "colour")},
    )
    fit: Literal["crop", "pad", "squash"] = setting(
        "crop",
        "How a picture that is not square becomes square. `crop`: the shorter side is resized and the middle cut out; "
        "`pad`: the longer side is resized and the rest filled with black, or with white where the picture is "
        "transparent somewhere, since such pictures are laid on white; `squash`: each side is resized on its own.",
        source="torchvision ImageNet evaluation transform (crop)",
    )
    scaled_decoding: bool = setting(
        True,
        "Decode large JPEG files at 1/2, 1/4 or 1/8 of their size where that is still at least the size needed. "
        "Faster; pixels differ by a few levels.",
        source="libjpeg, DCT scaling",
    )
    max_pixels: int = setting(
        89_478_485,
        "A picture with more pixels is rejected as a decompression bomb.",
        unit="pixels",
        source="Pillow, Image.MAX_IMAGE_PIXELS",
        ge=1,
        le=2**40,
    )
    valid_share: float = setting(
        0.1,
        "Share of the training pictures set apart for validation where the data bring no validation part. 0: none, "
        "then nothing can choose the best epoch and the last one is kept.",
        unit="share of the training part",
        source="own choice",
        ge=0.0,
        lt=1.0,
    )
    test_share: float = setting(
        0.2,
        "Share of the pictures set apart for the one final test where the data bring no test part. 0: none.",
        unit="share of the pictures that are divided",
        source="own choice",
        ge=0.0,
        lt=1.0,
    )
    near_duplicates: Literal["together", "ignore"] = setting(
        "together",
        "`together`: near-duplicates fall into the same part of a split that we make; `ignore`: they are only "
        "reported.",
        source="Barz & Denzler 2020, Do we train on test data?",
    )
    cache: Literal["auto", "memory", "disk"] = setting(
        "auto",
        "Where decoded pictures are kept. `memory`: in memory; `disk`: in a memory-mapped file; `auto`: in memory up "
        "to a quarter of what is free, else on disk.",
        source="own choice",
        also_called={"memory": ("ram",), "disk": ("file", "mmap")},
    )
    path_column: str = setting(
        "path", "Manifest column with the picture's path; in ranking with that of the better one.", source="own choice"
    )
    worse_column: str | Auto = setting(
        "auto",
        "Manifest column with the path of the worse picture of a pair. `auto`: `worse`.",
        source="own choice",
        applies={"task": ("auto", "ranking")},
    )
    label_column: str = setting(
        "label",
        "Manifest column with the class name, or with the labels.",
        source="own choice",
        applies={"task": ("auto", "classification", "multi-label")},
    )
    label_separator: str | Auto = setting(
        "auto",
        "What stands between two labels in a cell of a manifest; an empty cell is a picture without any. `auto`: `;`.",
        source="own choice",
        applies={"task": ("auto", "multi-label")},
    )
    target_columns: str = setting(
        "none",
        "Manifest columns with the numbers that a net is to tell, separated by commas. `none`: no such column.",
        source="own choice",
        applies={"task": ("auto", "regression")},
    )
    split_column: str = setting(
        "split", "Manifest column with train, valid or test, where there is one.", source="own choice"
    )
    group_column: str = setting(
        "group", "Manifest column; pictures of one group never fall into two parts.", source="own choice"
    )
    weight_column: str = setting(
        "weight",
        "Manifest column with each picture's weight in the training loss, scaled to mean 1 over the training part.",
        source="own choice",
        applies={"task": ("auto", "classification", "multi-label", "regression")},
    )
