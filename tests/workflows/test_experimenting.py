"""Experiments beside a training: they tell real cases apart, and leave the training as it is, bit for bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from trainwright.data import prepare
from trainwright.diagnosis import Wanted
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.experiments import VERDICTS
from trainwright.errors import InputError
from trainwright.monitoring import Pictures, Question, experiment
from trainwright.monitoring.experiments import _losses
from trainwright.recipe import compose, parse_assignments
from trainwright.runs import ExperimentRecord, History, StepRecord, WatchRecord
from trainwright.training import Interruption, Progress, build, fit, grouped
from trainwright.workflows import experimenting
from trainwright.workflows.experimenting import Experimenting
from trainwright.workflows.requests import NAMES_OF_TRAIN, recipe_from_python
from trainwright.workflows.train import decide
from trainwright.workflows.watching import experiments_allowed, watching

PLAIN = (
    "data.source=digits",
    "model.name=plain",
    "model.width=16",
    "model.depth=1",
    "model.normalization=none",
    "augment.policy=none",
    "optim.batch_size=64",
    "schedule.name=constant",
    "schedule.warmup=0",
    "training.epochs=2",
    "machine.threads=1",
)
RICH = (
    *PLAIN,
    "model.normalization=batch",
    "model.dropout=0.2",
    "augment.policy=light",
    "augment.mixup=0.2",
    "optim.clip_norm=1.0",
    "regularization.l1=1e-5",
)
"""What holds something that a copy could move: batch statistics, dropout, mixing, moments, an average of weights."""

KINDS = ("rate-lower", "rate-higher", "augmentation-off", "one-batch")


@pytest.fixture(scope="module")
def data():
    return prepare(compose(parse_assignments(PLAIN)).data, seed=0)


def built(data, words=PLAIN, *more: str):
    kept = {word.partition("=")[0]: word for word in (*words, *more)}
    torch.manual_seed(0)
    return build(decide(compose(parse_assignments(list(kept.values()))), data), data)


def trained(setup, data, steps: int) -> None:
    """Makes the first steps of a training, without a schedule."""
    setup.model.train()
    made, drawn = 0, 0
    while made < steps:
        drawn += 1
        for group in grouped(setup.order(data, drawn), setup.sizes(data), setup.batches_per_step):
            if made < steps:
                setup.step(group, drawn)
                made += 1


def question(setup, data, kind: str, steps: int = 40) -> Question:
    part = "valid" if kind == "augmentation-off" else "train"
    shown = getattr(data, part)
    rows = torch.arange(min(512, len(shown)))
    return Question(
        kind=kind,  # type: ignore[arg-type]
        asked_by=("some-code",),
        step=100,
        epoch=3,
        drawn=50,
        judged=Pictures(setup.augmenter.evaluate(shown.images(rows)), shown.labels_N[rows]),
        part=part,
        most=steps,
        fewest=2,
        time_s=600.0,
    )


def says(setup, data, kind: str, steps: int = 40) -> tuple[str, ExperimentRecord]:
    made = experiment(setup, data, question(setup, data, kind, steps))
    assert made is not None
    watch = WatchRecord(step=0, tensors=(), layers=(), optimizer="SGD", classes=10)
    return VERDICTS[made.kind](Course(History(watch=watch)), made), made


def state(setup) -> list[Any]:
    """All that training goes on with."""
    optimizer = setup.optimizer.state_dict()
    tensors = [*setup.model.state_dict().values(), *setup.average.model.state_dict().values()]
    tensors += [value for moments in optimizer["state"].values() for value in moments.values()]
    modes = [module.training for module in setup.model.modules()]
    gradients = [parameter.grad.clone() for parameter in setup.model.parameters()]
    generators = [torch.get_rng_state(), torch.from_numpy(np.random.get_state()[1].astype(np.int64))]
    return [
        [tensor.clone() for tensor in (*tensors, *gradients, *generators)],
        modes,
        optimizer["param_groups"],
        random.getstate(),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_experiment_moves_nothing(data, kind):
    setup = built(data, RICH)
    trained(setup, data, 3)
    before = state(setup)
    made = experiment(setup, data, question(setup, data, kind, 3))
    after = state(setup)
    assert made is not None
    assert made.loss_changed != made.loss_as_is
    assert all(torch.equal(one, other) for one, other in zip(before[0], after[0], strict=True))
    assert before[1:] == after[1:]


def test_the_copy_as_it_is_does_what_training_would_do(data):
    setup = built(data, RICH)
    trained(setup, data, 3)
    asked = question(setup, data, "rate-lower", 5)
    made = experiment(setup, data, asked)
    groups = grouped(setup.order(data, asked.drawn), setup.sizes(data), setup.batches_per_step)
    for _, group in zip(range(5), groups, strict=False):
        setup.step(group, asked.drawn)
    assert made is not None
    assert made.loss_as_is == float(_losses(setup, setup.model, asked.judged).mean())
    assert (made.steps, made.pictures, made.part, made.asked_by) == (5, 512, "train", ("some-code",))


def test_where_the_time_is_too_short_nothing_is_said(data):
    setup = built(data)
    short = question(setup, data, "rate-lower")
    assert experiment(setup, data, Question(**{**vars(short), "time_s": 0.0})) is None


NORMALIZED = (*PLAIN, "model.normalization=batch")


def test_a_rate_thirty_times_too_high_is_confirmed_by_a_tenth_and_a_good_one_is_refuted(data):
    for rate, verdict in ((9.0, "confirmed"), (0.3, "refuted")):
        setup = built(data, NORMALIZED, f"optim.lr={rate}")
        trained(setup, data, 60)
        assert says(setup, data, "rate-lower", 60)[0] == verdict


def test_a_rate_a_thousand_times_too_low_is_confirmed_by_ten_times_it_and_a_good_one_is_refuted(data):
    for rate, verdict in ((1e-4, "confirmed"), (0.1, "refuted")):
        setup = built(data, NORMALIZED, f"optim.lr={rate}")
        trained(setup, data, 60)
        assert says(setup, data, "rate-higher")[0] == verdict


def test_a_copy_that_breaks_down_has_an_infinite_loss(data):
    setup = built(data, PLAIN, "optim.lr=0.1")
    trained(setup, data, 2)
    for group in setup.optimizer.param_groups:
        group["lr"] = 1e20
    made = experiment(setup, data, question(setup, data, "rate-lower", 5))
    assert made is not None
    assert (made.loss_as_is, made.loss_changed, made.error) == (float("inf"), float("inf"), None)


class Asking:
    """Stands in for a diagnosis that wants the same experiments after every epoch."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.experiments: tuple[ExperimentRecord, ...] = ()

    def ask(self) -> tuple[Wanted, ...]:
        return tuple(Wanted(kind, ("some-code",)) for kind in self.kinds)  # type: ignore[arg-type]


def learned(data, asking: Asking | None, words=RICH):
    setup, progress, records = built(data, words), Progress(), []

    def tell(record: object) -> None:
        records.append(record)
        if asking is not None and isinstance(record, ExperimentRecord):
            asking.experiments += (record,)

    with watching(setup, data, progress, tell, asking) as witness:  # type: ignore[arg-type]
        fit(setup, data, progress, observers=[tell], interruption=Interruption(), witness=witness)
    return setup, records


def test_a_training_with_experiments_learns_the_same_bit_for_bit(data, monkeypatch):
    monkeypatch.setattr(experimenting, "SHARE", 1e3)
    monkeypatch.setattr(experimenting, "MOST_STEPS", 4)
    monkeypatch.setattr(experimenting, "FEWEST_STEPS", dict.fromkeys(KINDS, 1))
    asking = Asking("rate-lower", "augmentation-off")
    tried, records = learned(data, asking)
    plain, others = learned(data, None, (*RICH, "logging.experiments=never"))
    mine, theirs = tried.judged.state_dict(), plain.judged.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    losses = [[one.loss for one in told if isinstance(one, StepRecord)] for told in (records, others)]
    assert losses[0] == losses[1]
    made = [(one.kind, one.epoch, one.steps) for one in records if isinstance(one, ExperimentRecord)]
    assert made == [("rate-lower", 1, 4), ("augmentation-off", 1, 4), ("rate-lower", 2, 4)], "at most three"


def test_none_is_made_that_costs_too_much(data, monkeypatch):
    monkeypatch.setattr(experimenting, "SHARE", 0.0)
    _, records = learned(data, Asking("rate-lower"), PLAIN)
    assert not any(isinstance(one, ExperimentRecord) for one in records)


def test_an_experiment_that_breaks_down_is_told_once_and_training_goes_on(data, monkeypatch):
    def broken(*_: object) -> None:
        raise MemoryError("no room for a copy")

    monkeypatch.setattr(experimenting, "experiment", broken)
    monkeypatch.setattr(experimenting, "SHARE", 1e3)
    with pytest.warns(RuntimeWarning, match="training goes on as it was: MemoryError: no room for a copy") as caught:
        setup, records = learned(data, Asking("rate-lower", "one-batch"), PLAIN)
    assert len(caught) == 1
    assert sum(isinstance(one, StepRecord) for one in records) == setup.total_steps


def test_the_setting_says_whether_they_are_made(data):
    assert experiments_allowed(built(data), data)
    assert not experiments_allowed(built(data, PLAIN, "logging.experiments=never"), data)
    with watching(built(data, PLAIN, "logging.experiments=never"), data, Progress(), print, Asking()) as witness:  # type: ignore[arg-type]
        assert not isinstance(witness, Experimenting)


def test_the_word_auto_stands_for_suspicion_and_others_are_refused():
    recipe = recipe_from_python("digits", None, {"experiments": "auto"}, None, NAMES_OF_TRAIN)
    assert recipe.logging.experiments == "suspicion"
    with pytest.raises(InputError) as caught:
        recipe_from_python("digits", None, {"experiments": "always"}, None, NAMES_OF_TRAIN)
    assert "logging.experiments" in str(caught.value)
    assert "never" in str(caught.value)
    with pytest.raises(InputError, match="no setting named 'experiments'"):
        recipe_from_python("digits", None, {"experiments": "auto"}, None)  # type: ignore[typeddict-item]


def test_beside_a_net_that_is_not_watched_the_setting_has_no_effect():
    unwatched = compose(parse_assignments(["logging.watch=false"]))
    assert unwatched.idle()["logging.experiments"] == "logging.watch is false"
    with pytest.raises(InputError, match="has no effect") as caught:
        compose(parse_assignments(["logging.watch=false", "logging.experiments=suspicion"]))
    assert "logging.watch true" in str(caught.value)
