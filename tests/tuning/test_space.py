"""What is searched is read word by word, and boxes narrow and widen by laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import IntDistribution

from trainwright.errors import InputError
from trainwright.tuning.boxes import border_of, next_box
from trainwright.tuning.space import AROUND, Dimension, parse_space


def read(*words: str, **usual) -> tuple[Dimension, ...]:
    return parse_space(words, {key.replace("__", "."): value for key, value in usual.items()})


def refusal(*words: str) -> str:
    with pytest.raises(InputError) as caught:
        read(*words)
    return str(caught.value)


def test_the_scale_is_said_or_the_settings_own():
    rate, decay, momentum, width, linear = read(
        "optim.lr=log:1e-4:1",
        "optim.weight_decay=1e-6:1e-2",
        "optim.momentum=0:0.9",
        "model.width=8:64",
        "optim.eps=0.1:1",
    )
    assert (rate.scale, rate.low, rate.high) == ("log", 1e-4, 1)
    assert decay.scale == "log"
    assert (momentum.scale, momentum.whole) == ("linear", False)
    assert (width.scale, width.whole, width.limits) == ("log", True, (1, 1024))
    assert linear.scale == "linear"
    assert read("optim.lr=linear:0.1:1")[0].scale == "linear"


def test_choices_are_of_any_kind_and_keep_their_type():
    name, width, switch, rate, dose = read(
        "optim.name=choice:sgd,adamw",
        "model.width=choice:16,32",
        "optim.nesterov=choice:true,false",
        "optim.lr=choice:1,0.1,auto",
        "augment.mixup=choice:0,0.2",
    )
    assert name.choices == ("sgd", "adamw")
    assert width.choices == (16, 32)
    assert switch.choices == (True, False)
    assert rate.choices == (1.0, 0.1, "auto")
    assert all(isinstance(value, float) for value in dose.choices)


def test_a_setting_named_alone_gets_a_usual_box():
    rate, switch, choice, smoothing, factor = read(
        "optim.lr", "optim.nesterov", "model.pooling", "loss.label_smoothing", "augment.cutout=0:4", optim__lr=0.1
    )
    assert (rate.low, rate.high) == pytest.approx((0.1 / AROUND, 0.1 * AROUND))
    assert switch.choices == (False, True)
    assert choice.choices == ("max", "average", "stride")
    assert (smoothing.low, smoothing.high) == (0.0, 0.3)
    assert factor.whole
    assert read("model.width", model__width=16)[0].ends() == (4, 64)
    assert read("schedule.warmup")[0].ends() == (0.0, 0.9)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("optim.lrr=0.1:1", "there is no setting 'optim.lrr'"),
        ("optim.lrr=0.1:1", "did you mean 'optim.lr'?"),
        ("nope=1:2", "try: `trainwright recipe --explain` lists all settings"),
        ("optim.lr=1:0.1", "its lower end is not below its upper one"),
        ("optim.lr=1:0.1", "try: --space optim.lr=log:0.1:1"),
        ("optim.lr=0.1:0.1", "its lower end is not below its upper one"),
        ("optim.weight_decay=log:0:1", "a log scale of optim.weight_decay cannot begin at 0"),
        ("optim.weight_decay=0:1", "log:0.0001:1, or linear:0:1"),
        ("optim.lr=0.1:1000", "expected: a number above 0 and at most 100"),
        ("optim.momentum=0:1", "expected: a number at least 0 and below 1"),
        ("model.width=1:2.5", "expected: a whole number at least 1 and at most 1024"),
        ("optim.lr=a:b", "optim.lr cannot be so"),
        ("optim.lr=0.1", "optim.lr is searched by two ends or choices"),
        ("optim.lr=", "got: nothing"),
        ("optim.nesterov=0:1", "optim.nesterov is searched by a list of choices"),
        ("optim.lr=choice:0.1,-1", "optim.lr has no such value"),
        ("optim.lr=choice:find,0.1", "got: find"),
        ("model.pooling=choice:max,mean", "got: mean"),
        ("model.width=choice:16,16", "has a value twice to choose from"),
        ("optim.nesterov=choice:1,0", "expected: true or false"),
        ("training.epochs=1:5", "the stages say how long a trial trains"),
        ("training.seed=0:5", "the luckiest seed is not a better recipe"),
        ("data.test_share=0.1:0.5", "all trials are judged by the same pictures"),
        ("machine.threads=1:4", "it is no part of what is learned"),
        ("model.depth", "model.depth has no usual box"),
    ],
)
def test_a_box_that_cannot_be_is_told(word, told):
    assert told in refusal(word)


def test_all_mistakes_are_one_message():
    told = refusal("optim.lr=1:0.1", "optim.lrr", "optim.momentum=0:0.5", "optim.momentum=0:0.9")
    assert told.startswith("3 mistakes")
    assert "optim.momentum is searched twice" in told


@st.composite
def numbers(draw) -> Dimension:
    scale, whole = draw(st.sampled_from(["log", "linear"])), draw(st.booleans())
    least = 1 if whole else 1e-6
    if whole:
        low = draw(st.integers(1, 100))
        high = low + draw(st.integers(1, 1000))
    else:
        low = draw(st.floats(least, 10))
        high = low * draw(st.floats(1.01, 1e5))
    limits = (draw(st.sampled_from([low, low / 2, least])), draw(st.sampled_from([high, high * 3, 1e9])))
    limits = (max(round(limits[0]), 1), round(limits[1])) if whole else limits
    return Dimension("optim.lr", scale, low, high, whole, limits=limits)


@st.composite
def stages(draw) -> tuple[Dimension, list[dict]]:
    dimension = draw(numbers())
    places = draw(st.lists(st.floats(0, 1), min_size=1, max_size=8))
    values = [min(max(dimension.typed(dimension.value(place)), dimension.low), dimension.high) for place in places]
    return dimension, [{"optim.lr": value} for value in values]


@given(stages())
def test_the_next_box_holds_the_good_values_and_stays_within_the_settings_own_range(stage):
    dimension, good = stage
    (following,), _ = next_box([dimension], good, 1)
    assert all(following.holds(settings["optim.lr"]) for settings in good)
    assert following.low <= following.high
    assert dimension.limits[0] <= following.low
    assert following.high <= dimension.limits[1]
    if dimension.whole:
        assert following.low == int(following.low)
        assert following.high == int(following.high)


@given(stages())
def test_a_box_grows_at_a_border_that_the_best_touches_and_nowhere_else(stage):
    dimension, good = stage
    (following,), borders = next_box([dimension], good, 2)
    grown = {"lower": following.low < dimension.low, "upper": following.high > dimension.high}
    told = {border.side: border for border in borders}
    assert len(told) <= 1
    for side in ("lower", "upper"):
        if grown[side]:
            assert side in told
            assert not told[side].own
        if side in told and not told[side].own:
            assert grown[side]
            assert told[side].grown_to == (following.low if side == "lower" else following.high)


@given(numbers(), st.floats(0, 1))
def test_place_and_value_are_each_others_inverse(dimension, place):
    assert dimension.place(dimension.value(place)) == pytest.approx(place, abs=1e-6)


def test_good_values_close_together_narrow_and_far_apart_do_not():
    box = Dimension("optim.lr", "log", 1e-4, 1.0, limits=(1e-12, 100))
    (near,), _ = next_box([box], [{"optim.lr": value} for value in (0.01, 0.012, 0.015)], 1)
    (far,), _ = next_box([box], [{"optim.lr": value} for value in (0.01, 0.0002, 0.9)], 1)
    assert math.log(near.high / near.low) == pytest.approx(0.2 * math.log(1e4), rel=0.01)
    assert (far.low, far.high) == (1e-4, 1.0)


def test_the_best_on_a_border_is_told_and_the_settings_own_border_is_told_apart():
    rate = Dimension("optim.lr", "log", 1e-4, 1.0, limits=(1e-12, 100))
    (grown,), (border,) = next_box([rate], [{"optim.lr": 0.99}], 1)
    assert (border.side, border.own, border.grown_to) == ("upper", False, grown.high)
    assert grown.high == pytest.approx(10)
    own = Dimension("model.dropout", "linear", 0.0, 0.5, limits=(0.0, 0.999))
    (kept,), (border,) = next_box([own], [{"model.dropout": 0.0}], 1)
    assert (border.side, border.own, border.grown_to, kept.low) == ("lower", True, None, 0.0)
    assert border_of(rate, 0.01, 1) is None


@pytest.mark.parametrize(
    ("word", "best", "end"),
    [
        ("training.ema=0.9:0.9999", 0.9995, 0.99999),
        ("optim.momentum=0.5:0.99", 0.985, 0.999),
        ("schedule.drop_factor=0.1:0.9995", 0.9994, 0.99995),
        ("optim.layer_decay=0.0005:1", 0.001, 0.00005),
    ],
)
def test_a_box_near_a_value_that_its_setting_cannot_have_grows_towards_it(word, best, end):
    (box,) = read(word)
    (following,), (border,) = next_box([box], [{box.key: best}], 1)
    assert border.grown_to == pytest.approx(end, rel=1e-9)
    assert border.grown_to in (following.low, following.high)
    assert following.low <= box.low
    assert box.high <= following.high


def test_a_log_box_of_whole_numbers_grows_down_to_one():
    (box,) = read("augment.cutout=log:1:4")
    assert box.limits == (1, 1024)
    (following,), (border,) = next_box([box], [{box.key: 1}], 1)
    assert (border.own, following.low) == (True, 1)
    assert IntDistribution(int(following.low), int(following.high), log=True).log
    (tiny,) = read("optim.lr=log:1e-13:1")
    assert tiny.limits[0] == 1e-13


def test_choices_that_no_good_trial_made_are_left_out_and_true_is_not_one():
    box = Dimension("model.width", "choice", choices=(8, 16, 32))
    (following,), borders = next_box([box], [{"model.width": 16}, {"model.width": 8}, {"model.width": 16}], 1)
    assert following.choices == (8, 16)
    assert borders == ()
    mixed = Dimension("optim.accumulate", "choice", choices=(1, "all"))
    assert not mixed.holds(True)


def test_whole_numbers_touch_a_border_only_at_its_number():
    depth = Dimension("model.depth", "linear", 1, 4, True, limits=(1, 32))
    assert border_of(depth, 3, 1) is None
    assert border_of(depth, 4, 1).side == "upper"
    assert border_of(depth, 1, 1).own
