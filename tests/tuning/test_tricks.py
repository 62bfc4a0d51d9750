"""From words to pairs of settings."""

from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, catalog, compose, parse_assignments
from trainwright.reporting import RunConsole
from trainwright.tuning import read_tricks, tricks_in_use
from trainwright.tuning.tricks import NEUTRAL, NICKNAMES, NO_TRICKS, USUAL, off_value, why_not
from trainwright.workflows.trials import TrialBench


@pytest.fixture(scope="module")
def recipe():
    words = ["data.source=digits", "model.name=plain", "training.epochs=5", "augment.mixup=0.2", "machine.threads=1"]
    return TrialBench(compose(parse_assignments(words)), RunConsole(json=True)).decided({})[0]


def pair(word: str, recipe):
    (trick,) = read_tricks([word], recipe)
    return trick.key, trick.with_it, trick.without_it


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("mixup", ("augment.mixup", {}, {"augment.mixup": 0.0})),
        ("augment.mixup", ("augment.mixup", {}, {"augment.mixup": 0.0})),
        ("mixup=0.2", ("augment.mixup", {}, {"augment.mixup": 0.0})),
        ("mixup=0.4", ("augment.mixup", {"augment.mixup": 0.4}, {"augment.mixup": 0.0})),
        ("cutout=4", ("augment.cutout", {"augment.cutout": 4}, {})),
        ("label-smoothing", ("loss.label_smoothing", {}, {"loss.label_smoothing": 0.0})),
        ("ema", ("training.ema", {}, {"training.ema": 0.0})),
        ("nesterov", ("optim.nesterov", {}, {"optim.nesterov": False})),
        ("one-cycle", ("schedule.name", {}, {"schedule.name": "constant"})),
        ("cosine", ("schedule.name", {"schedule.name": "cosine"}, {"schedule.name": "constant"})),
        ("schedule", ("schedule.name", {}, {"schedule.name": "constant"})),
        ("model.normalization", ("model.normalization", {}, {"model.normalization": "none"})),
        ("optim.name=adamw", ("optim.name", {"optim.name": "adamw"}, {})),
        ("data.fit=pad", ("data.fit", {"data.fit": "pad"}, {})),
        ("zca", ("preprocess.whiten", {"preprocess.whiten": "zca"}, {})),
    ],
)
def test_a_word_is_a_pair(recipe, word, expected):
    assert pair(word, recipe) == expected


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("cutout", "the recipe does not use augment.cutout: it is 0"),
        ("model.dropout", "--tricks model.dropout=0.5 tries it"),
        ("mixpu", "did you mean 'mixup'"),
        ("optim.name", "optim.name cannot be off"),
        ("optim.lr", "optim.lr cannot be off"),
        ("optim.name=sgd", "optim.name is sgd in this recipe anyway"),
        ("mixup=0", "this is the trick switched off"),
        ("cutout=0", "this is the trick switched off"),
        ("cosine=1", "'cosine' is a value of schedule.name already"),
        ("scale", "preprocess.scale or augment.scale"),
        ("training.seed", "is no trick: pairs are made with several seeds anyway"),
        ("data.label_column=x", "is no trick: it decides how the pictures are read"),
        ("machine.workers=4", "is no trick: it changes what a step costs"),
        ("optim.beta1", "has no effect in this recipe"),
    ],
)
def test_a_word_that_is_no_trick_of_this_recipe_is_told_why(recipe, word, told):
    with pytest.raises(InputError) as error:
        read_tricks([word], recipe)
    assert told in str(error.value)


def test_all_mistakes_are_told_at_once(recipe):
    with pytest.raises(InputError) as error:
        read_tricks(["mixpu", "cutout", "ema", "training.ema"], recipe)
    for told in ("mixpu", "augment.cutout", "named twice"):
        assert told in str(error.value)


def test_the_tricks_in_use_are_those_that_can_be_taken_out(recipe):
    tricks = tricks_in_use(recipe)
    keys = [trick.key for trick in tricks]
    assert {"augment.mixup", "training.ema", "optim.momentum", "schedule.name", "loss.label_smoothing"} <= set(keys)
    assert not {"optim.lr", "augment.cutout", "training.seed", "data.valid_share", "optim.beta1"} & set(keys)
    assert all(trick.on == recipe.get(trick.key) != trick.off for trick in tricks)


def composed(values):
    return compose({key: Given(value, Origin("user", key)) for key, value in values.items()})


def test_what_is_off_is_a_value_that_the_setting_takes():
    for key, setting in catalog().items():
        off, applies = (
            off_value(setting),
            {name: words[0] for name, words in setting.applies.items() if words[0] != "auto"},
        )
        if off is not None and setting.needs is None and why_not(key) is None:
            assert composed({**applies, key: off}).get(key) == off, key


def test_the_tables_speak_of_settings_that_there_are():
    assert {*NEUTRAL, *NO_TRICKS, *USUAL, *NICKNAMES.values()} <= set(catalog())
    for key, value in USUAL.items():
        assert composed({key: value}).get(key) == value
