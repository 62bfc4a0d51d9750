"""The built-in data `digits`: 1797 handwritten digits of 8×8 pixels that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from trainwright.data.catalog import Arrays, Catalog


def open_digits() -> Catalog:
    """Reads the digits and stretches their values 0 … 16 over 0 … 255: 255 v / 16, halves rounded up.

    The data bring no split of their own.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998; its test part
    """
    from sklearn.datasets import load_digits

    pixels_NP, classes_N = load_digits(return_X_y=True)
    values_NHW = np.asarray(pixels_NP).astype(np.int64).reshape(-1, 8, 8)
    images_NHW = ((255 * values_NHW + 8) // 16).astype(np.uint8)
    count = len(images_NHW)
    return Catalog(
        names=tuple(f"digits:{index:04d}" for index in range(count)),
        labels=tuple(str(label) for label in np.asarray(classes_N).tolist()),
        splits=(None,) * count,
        groups=(None,) * count,
        weights=None,
        pictures=Arrays(images_NHW),
        title="digits",
        description="handwritten digits of 8×8 pixels from the UCI repository, as scikit-learn brings them",
    )
