from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainwright.data import Arrays, Catalog
from trainwright.data.sources import digits
from trainwright.errors import InputError


def test_digits_are_those_of_scikit_learn(catalog_of: Callable[..., Catalog]):
    catalog = catalog_of("digits")
    reference = load_digits()
    assert isinstance(catalog.pictures, Arrays)
    images_NHW = catalog.pictures.images
    assert images_NHW.shape == (1797, 8, 8)
    assert images_NHW.dtype == np.uint8
    assert np.abs(images_NHW - reference.images * 255 / 16).max() == 0.5  # pyright: ignore
    assert list(map(int, catalog.labels)) == reference.target.tolist()  # pyright: ignore
    assert catalog.names[0] == "digits:0000"
    assert catalog.names[-1] == "digits:1796"
    assert set(catalog.splits) == {None}


def test_every_value_has_one_place(catalog_of: Callable[..., Catalog]):
    pictures = catalog_of("digits").pictures
    assert isinstance(pictures, Arrays)
    assert np.unique(pictures.images).tolist() == [
        *(0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255)
    ]


def test_a_scikit_learn_without_the_file_is_told(monkeypatch):
    elsewhere = SimpleNamespace(origin="/elsewhere/sklearn/__init__.py")
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: elsewhere)
    with pytest.raises(InputError, match=r"expected: /elsewhere/sklearn/datasets/data/digits\.csv\.gz"):
        digits.digits_file()
