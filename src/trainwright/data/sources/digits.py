"""The built-in data `digits`: 1797 handwritten digits of 8×8 pixels that come with scikit-learn."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from trainwright.data.catalog import Arrays, Catalog
from trainwright.errors import InputError


def open_digits() -> Catalog:
    """Reads the digits and stretches their values 0 … 16 over 0 … 255: 255 v / 16, halves rounded up.

    The data bring no split of their own.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998; its test part
    """
    rows_NP = np.loadtxt(digits_file(), delimiter=",", dtype=np.int64)
    values_NHW, classes_N = rows_NP[:, :-1].reshape(-1, 8, 8), rows_NP[:, -1]
    images_NHW = ((255 * values_NHW + 8) // 16).astype(np.uint8)
    count = len(images_NHW)
    return Catalog(
        names=tuple(f"digits:{index:04d}" for index in range(count)),
        labels=tuple(str(label) for label in classes_N.tolist()),
        splits=(None,) * count,
        groups=(None,) * count,
        weights=None,
        pictures=Arrays(images_NHW),
        title="digits",
        description="handwritten digits of 8×8 pixels from the UCI repository, as scikit-learn brings them",
    )


def digits_file() -> Path:
    """Finds the file of scikit-learn in which the digits are, without the two seconds that importing it takes.

    Raises:
        InputError: this scikit-learn brings no such file.
    """
    package = importlib.util.find_spec("sklearn")
    path = Path(package.origin if package and package.origin else "sklearn").parent / "datasets/data/digits.csv.gz"
    if not path.is_file():
        hint = "install another version of scikit-learn"
        raise InputError("the digits of scikit-learn are missing", expected=str(path), got="no such file", hint=hint)
    return path
