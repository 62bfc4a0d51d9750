"""The example and the library take the same steps."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import trainwright as tw
from trainwright.recipe import parse_assignments
from trainwright.runs import StepRecord, read_records

EXAMPLE = Path(__file__).parents[2] / "examples" / "00_in_one_file.py"


def test_the_loss_trace_of_the_example_is_that_of_the_library(tmp_path):
    spec = importlib.util.spec_from_file_location("in_one_file", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    losses = example.train()
    settings = {key: given.value for key, given in parse_assignments(example.RECIPE).items()}
    tw.train("digits", settings=settings, out=tmp_path, name="twin")
    records = [r for r in read_records(tmp_path / "twin" / "events.jsonl") if isinstance(r, StepRecord)]
    assert [record.step for record in records] == list(range(1, len(losses) + 1))
    assert [record.loss for record in records] == pytest.approx(losses, rel=2e-4)
