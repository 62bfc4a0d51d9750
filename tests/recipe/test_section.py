from __future__ import annotations

import pytest
from pydantic import ValidationError

from trainwright.recipe import DataSection, MachineSection, OptimSection


def test_sections_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        OptimSection().lr = 1.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lr", 0.0, "a number above 0"),
        ("lr", 100.5, "a number at most 100"),
        ("momentum", -0.1, "a number at least 0"),
        ("momentum", 1.0, "a number below 1"),
        ("momentum", float("nan"), "finite"),
        ("lr", float("inf"), "finite"),
        ("batch_size", 0, "a number at least 1"),
        ("batch_size", True, "valid integer"),
        ("batch_size", "32", "valid integer"),
        ("weight_decay", True, "valid number"),
    ],
)
def test_numbers_hold_to_their_range(name, value, message):
    with pytest.raises(ValidationError, match=message):
        OptimSection.model_validate({name: value})


def test_whole_numbers_are_numbers():
    assert OptimSection(lr=1).lr == 1.0
    assert isinstance(OptimSection(lr=1).lr, float)


def test_texts_are_not_empty():
    with pytest.raises(ValidationError, match="a text that is not empty"):
        DataSection(source="")


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "cuda:12", "mps"])
def test_devices_that_torch_knows(device):
    assert MachineSection(device=device).device == device


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu\n", "CPU"])
def test_other_devices_are_refused(device):
    with pytest.raises(ValidationError, match="a text like"):
        MachineSection(device=device)
