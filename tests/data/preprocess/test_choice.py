"""What `auto` becomes."""

from __future__ import annotations

import pytest

from trainwright.data.preprocess import choose_preprocess
from trainwright.recipe import PreprocessSection


@pytest.mark.parametrize(
    ("given", "pretrained", "center", "scale"),
    [
        ({}, False, "channel", "channel"),
        ({}, True, "pretrained", "pretrained"),
        ({"whiten": "zca"}, False, "image", "none"),
        ({"whiten": "pca"}, True, "image", "none"),
        ({"scale": "minmax"}, False, "none", None),
        ({"scale": "minmax"}, True, "none", None),
        ({"scale": "image"}, False, "channel", None),
        ({"center": "image"}, False, None, "channel"),
        ({"center": "none", "scale": "none"}, False, None, None),
    ],
)
def test_auto(given, pretrained, center, scale):
    choices = choose_preprocess(PreprocessSection(**given), pretrained=pretrained)
    wanted = {"preprocess.center": center, "preprocess.scale": scale}
    found = {choice.key: choice.value for choice in choices}
    assert found == {key: value for key, value in wanted.items() if value}
    assert all(choice.reason for choice in choices)
