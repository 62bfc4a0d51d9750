"""Fixed sets and what is measured of inputs."""

from __future__ import annotations

import pytest
import torch

from trainwright.monitoring import Pictures
from trainwright.monitoring.pictures import are_classes, class_counts, input_statistics


def test_parts_of_a_set_are_the_set():
    shown = Pictures(torch.arange(10.0)[:, None], torch.arange(10))
    parts = list(shown.chunks(4))
    assert torch.equal(torch.cat([part.images_NCHW for part in parts]), shown.images_NCHW)
    assert torch.equal(torch.cat([part.labels for part in parts]), shown.labels)
    assert [len(part) for part in parts] == [3, 3, 4]
    assert len(shown.first(3)) == len(shown.first(3).labels) == 3
    assert Pictures(torch.zeros(3, 1)).first(2).labels is None


def test_the_name_of_a_set_hangs_on_every_number():
    images = torch.zeros(3, 1, 2, 2)
    name = Pictures(images).identity
    assert name == Pictures(images.clone()).identity
    images[2, 0, 1, 1] = 1e-30
    assert name != Pictures(images).identity


def test_statistics_of_channels():
    images = torch.stack([torch.full((5, 4), 2.0), torch.zeros(5, 4)])[None].repeat(3, 1, 1, 1)
    images[0, 1, 0, 0] = -4.0
    told = input_statistics(images)
    assert told["input_mean"].tolist() == pytest.approx([2.0, -4 / 60])
    assert told["input_deviation"].tolist() == pytest.approx([0.0, (16 / 60 - (4 / 60) ** 2) ** 0.5])
    assert (float(told["input_low"]), float(told["input_high"])) == (-4.0, 2.0)
    assert input_statistics(torch.zeros(3, 7))["input_mean"].shape == (1,)
    assert float(input_statistics(torch.full((2, 1, 2, 2), 255, dtype=torch.uint8))["input_high"]) == 255
    assert input_statistics(torch.zeros(3, 7, dtype=torch.int64)) == {}
    assert input_statistics(torch.zeros(0, 3, 2, 2)) == {}


def test_labels_are_counted_and_those_beyond_left_out():
    assert class_counts(torch.tensor([0, 2, 2, 9, -1]), 3).tolist() == [1, 0, 2]
    assert are_classes(torch.tensor([1, 2]))
    assert not are_classes(torch.tensor([1.0, 2.0]))
    assert not are_classes(torch.tensor([[1], [2]]))
    assert not are_classes(None)
