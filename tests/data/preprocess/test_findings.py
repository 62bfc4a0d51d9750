"""What fitting says of the pictures."""

from __future__ import annotations

import numpy as np

from trainwright.data.preprocess import fit_preprocessor, preprocess_findings
from trainwright.recipe import PreprocessSection


def findings_of(part, **settings):
    preprocessor = fit_preprocessor(PreprocessSection(**settings), part)
    return preprocess_findings(preprocessor, pictures=len(part))


def test_pixels_that_never_change_are_counted(part_of, random_part):
    images = random_part(40, 1, 4, 4).stored.numpy().copy()
    images[:, 0, 0, :3] = 9
    for settings in ({"center": "image", "scale": "image"}, {"center": "none", "scale": "minmax"}):
        (finding,) = findings_of(part_of(images), **settings)
        assert (finding.code, finding.severity) == ("input-dimensions-constant", "note")
        assert finding.evidence == {"constant_dimensions": 3, "dimensions": 16}
        assert finding.summary.startswith("3 of 16 dimensions")
    assert findings_of(part_of(images), center="channel", scale="channel") == []


def test_healthy_pictures_say_nothing(random_part):
    assert findings_of(random_part(40, 1, 4, 4), center="image", scale="none", whiten="zca") == []


def test_few_pictures_cannot_be_whitened_well(random_part):
    (finding,) = findings_of(random_part(16, 1, 4, 4), center="image", scale="none", whiten="zca")
    assert (finding.code, finding.severity) == ("whitening-on-few-pictures", "warn")
    assert finding.evidence == {"pictures": 16, "dimensions": 16, "epsilon": 0.01}
    assert findings_of(random_part(17, 1, 4, 4), center="image", scale="none", whiten="zca") == []


def test_a_single_picture_is_all_constant(part_of):
    (finding,) = findings_of(part_of(np.zeros((1, 1, 2, 2), np.uint8)), center="image", scale="image")
    assert finding.evidence["constant_dimensions"] == 4
