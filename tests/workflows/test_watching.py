"""Our own loop is watched unless the recipe says otherwise, and learns the same with and without."""

from __future__ import annotations

import pytest
import torch

from trainwright.data import prepare
from trainwright.monitoring import MOST_PICTURES
from trainwright.recipe import compose, parse_assignments
from trainwright.runs import AnswersRecord, ProbeRecord, StepRecord, UnitsRecord, WatchRecord
from trainwright.training import Interruption, Progress, build, fit
from trainwright.training.stopping import Before
from trainwright.workflows.deciding import decide
from trainwright.workflows.stages import counted_on
from trainwright.workflows.watching import watching

WORDS = [
    "data.source=digits",
    "model.name=small-resnet",
    "model.width=16",
    "model.depth=1",
    "model.dropout=0.2",
    "augment.mixup=0.2",
    "training.epochs=1",
    "optim.batch_size=200",
    "machine.threads=1",
]


@pytest.fixture(scope="module")
def data():
    return prepare(compose(parse_assignments(WORDS)).data, seed=0)


def learned(data, *words: str):
    recipe = decide(compose(parse_assignments([*WORDS, *words])), data)
    torch.manual_seed(0)
    setup, progress, records = build(recipe, data), Progress(), []
    with watching(setup, data, progress, records.append) as monitor:
        fit(setup, data, progress, observers=[records.append], interruption=Interruption(), witness=monitor)
    return setup, records


def test_watched_and_unwatched_training_learn_the_same(data):
    watched, records = learned(data)
    alone, none = learned(data, "logging.watch=false")
    mine, other = watched.model.state_dict(), alone.model.state_dict()
    assert all(torch.equal(mine[name], other[name]) for name in mine)
    losses = [[one.loss for one in told if isinstance(one, StepRecord)] for told in (records, none)]
    assert losses[0] == losses[1]
    assert not any(isinstance(record, WatchRecord | ProbeRecord | UnitsRecord | AnswersRecord) for record in none)
    watch = records[0]
    assert (watch.step, watch.steps_planned, watch.classes) == (0, watched.total_steps, 10)
    assert watch.probe_pictures == MOST_PICTURES
    assert [record.step for record in records if isinstance(record, ProbeRecord)][:4] == [1, 2, 3, 4]
    probe = next(record for record in records if isinstance(record, ProbeRecord))
    assert probe.loss_after is not None, "mixed pictures too have the loss of their batch anew"
    assert (probe.fresh, probe.label_counts) == (pytest.approx(1.0), ())
    assert [record.step for record in records if isinstance(record, UnitsRecord)][-1] == watched.total_steps


def test_a_training_that_goes_on_is_watched_from_there_with_the_same_pictures(data):
    setup, records = build(decide(compose(parse_assignments(WORDS)), data), data), []
    for progress in (Progress(), Progress(step=5, epoch=2)):
        with watching(setup, data, progress, records.append):
            pass
    watches = [record for record in records if isinstance(record, WatchRecord)]
    assert [record.step for record in watches] == [0, 5]
    answers = [record for record in records if isinstance(record, AnswersRecord)]
    assert [(record.step, record.epoch) for record in answers] == [(0, 0)] * 3 + [(5, 1)] * 3
    assert [record.inputs_id for record in answers[:3]] == [record.inputs_id for record in answers[3:]]
    assert answers[0].inputs_id != answers[2].inputs_id


def test_a_second_stage_counts_on():
    before = Before(epochs=3, steps=30)
    watch = counted_on(WatchRecord(step=0, tensors=(), layers=(), optimizer="SGD", steps_planned=20), before)
    assert (watch.step, watch.steps_planned) == (30, 50)
    answers = AnswersRecord(step=4, epoch=1, part="train", mode="eval", pictures=1, loss=None)
    for record in (ProbeRecord(step=4, epoch=1, loss=None), UnitsRecord(step=4, epoch=1, pictures=1), answers):
        counted = counted_on(record, before)
        assert (counted.step, counted.epoch) == (34, 4)
