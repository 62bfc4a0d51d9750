"""Weights that ceased to be numbers end a run, and reach no checkpoint."""

from __future__ import annotations

import pytest
import torch

from trainwright.data import prepare
from trainwright.errors import TrainingError
from trainwright.recipe import compose, parse_assignments
from trainwright.runs import Finding, Record, StopRecord
from trainwright.training import Progress, build
from trainwright.training.ending import refuse_damage
from trainwright.workflows.deciding import decide


def test_a_damaged_weight_is_named_and_told_as_the_end():
    words = ["model.name=plain", "model.width=8", "model.depth=1", "machine.threads=1", "optim.lr=100"]
    asked = compose(parse_assignments(words))
    data = prepare(asked.data, seed=0)
    setup = build(decide(asked, data), data)
    told: list[Record] = []
    refuse_damage(setup, Progress(), len(data.train), [told.append])
    assert told == []
    name, weight = next(iter(setup.model.named_parameters()))
    with torch.no_grad():
        weight[0] = torch.nan
    with pytest.raises(TrainingError, match=f"weights ceased to be numbers at step 0, in epoch 1; it began in {name}"):
        refuse_damage(setup, Progress(), len(data.train), [told.append])
    assert [type(record) for record in told] == [Finding, StopRecord]
