"""What is drawn for each picture: its distribution, and that nothing but (seed, epoch, sample, trick) decides it."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from trainwright.data.augment.color import scaling_matrix
from trainwright.data.augment.plan import draw_plan
from trainwright.data.augment.policies import NOTHING
from trainwright.data.augment.tricks import doses

COLORS = scaling_matrix(torch.ones(1), torch.zeros(1))


def plan(samples=20_000, *, epoch=1, **settings):
    ids = torch.arange(samples) if isinstance(samples, int) else samples
    on = doses(NOTHING.model_copy(update=settings))
    return draw_plan(on, COLORS, ids, seed=5, epoch=epoch, height=32, width=32)


def test_all_off_is_the_identity():
    drawn = plan(10)
    assert torch.equal(drawn.maps_N23, torch.eye(2, 3).expand(10, 2, 3))
    assert drawn.boxes_NB4.shape == (10, 0, 4)
    assert drawn.lens_N is None
    assert drawn.noise is None
    assert drawn.whole_pixels


def test_flips_happen_as_often_as_asked():
    for probability in (0.2, 0.5, 1.0):
        flipped = (plan(flip=probability).maps_N23[:, 0, 0] == -1).sum().item()
        assert stats.binomtest(flipped, 20_000, probability).pvalue > 1e-4


def test_every_crop_is_as_likely():
    offsets = plan(crop_padding=2).maps_N23[:, :, 2].long() + 2
    assert offsets.min() == 0
    assert offsets.max() == 4
    cells = np.bincount((offsets[:, 1] * 5 + offsets[:, 0]).numpy(), minlength=25)
    assert stats.chisquare(cells).pvalue > 1e-4


def test_flip_and_crop_are_independent():
    drawn = plan(flip=0.5, crop_padding=1)
    flipped = drawn.maps_N23[:, 0, 0] < 0
    right = torch.where(flipped, drawn.maps_N23[:, 0, 2] - 31, drawn.maps_N23[:, 0, 2]).long() + 1
    table = np.array([np.bincount(right[flipped == which].numpy(), minlength=3) for which in (True, False)])
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_cutout_covers_what_its_rule_says():
    boxes = plan(cutout=8).boxes_NB4[:, 0].double()
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    sides = [min(32, center + 4) - max(0, center - 4) for center in range(32)]
    expected = np.mean(sides) ** 2
    assert abs(areas.mean().item() - expected) < 5 * areas.std().item() / 20_000**0.5


def test_one_trick_does_not_move_another():
    alone, together = plan(500, cutout=8), plan(500, cutout=8, flip=0.5, crop_padding=4)
    assert torch.equal(alone.boxes_NB4, together.boxes_NB4)


def test_only_the_sample_counts():
    settings = {"flip": 0.5, "crop_padding": 4, "cutout": 8}
    samples = torch.randint(0, 10**6, (100,))
    shuffle = torch.randperm(100)
    whole, shuffled, part = (
        plan(samples, **settings),
        plan(samples[shuffle], **settings),
        plan(samples[40:55], **settings),
    )
    for field in ("maps_N23", "boxes_NB4"):
        assert torch.equal(getattr(whole, field)[shuffle], getattr(shuffled, field))
        assert torch.equal(getattr(whole, field)[40:55], getattr(part, field))
    next_epoch = plan(samples, epoch=2, **settings)
    assert (whole.maps_N23 != next_epoch.maps_N23).any(dim=(1, 2)).float().mean() > 0.9
