from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from trainwright.data import PreparedData, prepare
from trainwright.errors import InputError
from trainwright.models import WeightReport, choose_init, layer_signals
from trainwright.recipe import (
    InitSection,
    Recipe,
    ScheduleSection,
    TrainingSection,
    compose,
    parse_assignments,
)
from trainwright.training import Ranks, Setup, build
from trainwright.training.build import (
    FIRST_PICTURES,
    check_batch_size,
    check_head,
    check_smallest_batch,
    check_validation,
    checked_net,
    first_pictures,
)
from trainwright.training.class_weights import class_shares
from trainwright.workflows.deciding import decide


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(InputError, match="the batch is larger than the training part") as error:
        check_batch_size(101, 100)
    assert "at most 100 pictures" in str(error.value)
    assert "--batch-size 12" in str(error.value)
    check_batch_size(100, 100)
    with pytest.raises(InputError, match="at most 100 pairs"):
        check_batch_size(101, 100, pairs=True)


def test_ranks_share_batches_of_pairs_where_pairs_are_drawn():
    train = type("Part", (list,), {"drawn": 9})(range(4))
    data = SimpleNamespace(train=train, classes=["score"], channels=1, img_size=8)
    recipe = compose(parse_assignments([*WORDS, "optim.batch_size=5"]))
    recipe = recipe.decide(choose_init(recipe.init, recipe.model))
    assert checked_net(recipe, data, Ranks(0, 5)).model is not None
    with pytest.raises(InputError, match="a batch has fewer pictures than there are ranks") as caught:
        checked_net(recipe, data, Ranks(0, 6))
    assert caught.value.got == "5"


def test_settings_that_look_at_a_validation_part_need_one():
    plateau = Recipe(schedule=ScheduleSection(name="plateau"))
    patient = Recipe(training=TrainingSection(patience=3))
    with pytest.raises(InputError, match=r"schedule\.name: plateau needs a validation part"):
        check_validation(plateau, 0)
    with pytest.raises(InputError, match=r"training\.patience needs a validation part"):
        check_validation(patient, 0)
    for way in ("restart", "continue"):
        with pytest.raises(InputError, match=rf"training\.retrain: {way} needs a validation part"):
            check_validation(Recipe(training=TrainingSection(retrain=way)), 0)
    for recipe in (plateau, patient):
        check_validation(recipe, 1)
    check_validation(Recipe(), 0)


WORDS = ["model.name=plain", "model.width=8", "model.depth=1", "machine.threads=1", "machine.precision=float32"]


@pytest.fixture(scope="module")
def digits():
    return prepare(compose({}).data, seed=0)


def setup_of(data: PreparedData, *words: str) -> Setup:
    return build(decide(compose(parse_assignments([*WORDS, *words])), data), data)


def test_lsuv_looks_at_training_pictures_as_the_net_sees_them(digits):
    setup = setup_of(digits, "init.scheme=lsuv", "init.head=scheme", "augment.cutout=4")
    images_NCHW = setup.augmenter.evaluate(first_pictures(digits, seed=0))
    assert len(images_NCHW) == FIRST_PICTURES
    rows = [row for row in layer_signals(setup.model, images_NCHW) if row.kind in ("Conv2d", "Linear")]
    assert [row.std for row in rows] == pytest.approx([1.0] * 3, abs=0.01)
    assert setup.average is not None
    averaged, own = setup.average.model.state_dict(), setup.model.state_dict()
    assert all(torch.equal(averaged[name], own[name]) for name in own)


@pytest.mark.parametrize("scheme", ["lsuv", "data-dependent"])
def test_the_same_recipe_draws_the_same_weights(digits, scheme):
    first, again, other = (
        setup_of(digits, f"init.scheme={scheme}", f"training.seed={seed}").model.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stages.0.0.weight"], other["stages.0.0.weight"])


def unequal(digits: PreparedData) -> PreparedData:
    """Gives 5, 10, … 50 training pictures of the ten digits."""
    rows = torch.cat([torch.where(digits.train.labels_N == k)[0][: 5 * (k + 1)] for k in range(10)])
    names = [digits.train.names[row] for row in rows.tolist()]
    columns = {name: getattr(digits.train, name)[rows] for name in ("rows_N", "labels_N", "samples_N")}
    return replace(digits, train=replace(digits.train, names=names, **columns))


@pytest.mark.parametrize("scheme", ["lsuv", "data-dependent"])
def test_a_class_prior_stays_beside_a_scheme_that_looks_at_pictures(digits, scheme):
    data = unequal(digits)
    words = [f"init.scheme={scheme}", "init.head=scheme", "optim.batch_size=32"]
    fitted = setup_of(data, *words).model
    model = setup_of(data, *words, "init.class_prior=true").model
    assert torch.allclose(model.head.bias.exp(), torch.tensor(class_shares(data), dtype=torch.float32))
    assert torch.equal(model.head.weight, fitted.head.weight), "the scheme has seen none of the prior"


def test_with_a_class_prior_the_first_loss_is_the_entropy_of_the_shares(digits):
    data = unequal(digits)
    few = data.train
    shares = class_shares(data)
    counts = [5 * (k + 1) for k in range(10)]
    assert shares == pytest.approx([count / sum(counts) for count in counts])
    entropy = -sum(share * math.log(share) for share in shares)
    for prior, expected in (("true", entropy), ("false", math.log(10))):
        setup = setup_of(data, f"init.class_prior={prior}", "loss.label_smoothing=0")
        logits_NK = setup.model(setup.augmenter.evaluate(few.images(torch.arange(len(few)))))
        # The small weights of the head add a little to what the bias says.
        assert setup.loss(logits_NK, few.labels_N, None).item() == pytest.approx(expected, abs=0.03)
    assert entropy < math.log(10) - 0.1


def test_a_class_prior_is_that_of_the_weighted_classes(digits):
    data = unequal(digits)
    balanced = setup_of(data, "init.class_prior=true", "loss.class_weights=balanced").model
    assert torch.allclose(balanced.head.bias, torch.full((10,), -math.log(10)), atol=1e-5)
    shares = torch.tensor(class_shares(data), dtype=torch.float32)
    alone = setup_of(data, "init.class_prior=true", "loss.name=logistic").model
    assert torch.allclose(alone.head.bias.sigmoid(), shares, atol=1e-6)
    even = setup_of(data, "init.class_prior=true", "loss.name=logistic", "loss.class_weights=balanced").model
    assert torch.allclose(even.head.bias, torch.zeros(10), atol=1e-5)


def test_class_weights_reach_the_loss(digits):
    data = unequal(digits)
    shares = torch.tensor(class_shares(data))
    loss_of = setup_of(data, "loss.class_weights=balanced", "loss.label_smoothing=0").loss
    one = loss_of(torch.zeros(1, 10), torch.tensor([3]), None).item()
    assert one == pytest.approx(math.log(10) / (10 * shares[3].item()), rel=1e-5)


def test_weighted_pictures_count_by_their_weight():
    part = SimpleNamespace(labels_N=torch.tensor([0, 0, 1]), weights_N=torch.tensor([1.0, 1.0, 6.0]))
    assert class_shares(SimpleNamespace(train=part, classes=("a", "b"))) == [0.25, 0.75]  # type: ignore[arg-type]


def test_a_class_whose_pictures_all_weigh_nothing_has_no_prior(digits):
    weightless = replace(digits.train, weights_N=(digits.train.labels_N != 3).float())
    with pytest.raises(InputError, match="the class '3' has no share of the training part") as error:
        setup_of(replace(digits, train=weightless), "init.class_prior=true")
    assert error.value.got == "a total weight of 0"
    assert error.value.where == "init.class_prior"
    assert "leave init.class_prior out" in str(error.value)
    setup_of(replace(digits, train=weightless))


def test_a_class_prior_does_not_overwrite_a_loaded_head():
    recipe = Recipe(init=InitSection(class_prior=True))
    loaded = WeightReport(loaded=("head.bias",), adapted=(), skipped={}, missing=(), head_replaced=False)
    with pytest.raises(InputError, match=r"init\.class_prior would overwrite the bias of the last layer"):
        check_head(recipe, loaded)
    check_head(recipe, replace(loaded, head_replaced=True))
    check_head(recipe, None)


def test_a_batch_of_one_picture_needs_something_to_take_a_mean_of(digits):
    single = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1))
    with pytest.raises(InputError, match="leaves a normalization of this model nothing to take a mean of") as caught:
        check_smallest_batch(single, digits, 1)
    assert caught.value.where == "optim.batch_size"
    assert not single[1].num_batches_tracked
    check_smallest_batch(single, digits, 2)
    check_smallest_batch(nn.Sequential(nn.BatchNorm2d(1)), digits, 1)


def test_statistics_are_not_counted_anew_where_there_are_none(digits):
    with pytest.raises(InputError, match="no running statistics to count anew"):
        setup_of(digits, "training.reestimate_batch_norm=true", "model.normalization=group")
    words = ["model.name=test_resnet", "training.reestimate_batch_norm=true", "model.normalization=layer"]
    recipe = decide(compose(parse_assignments(words)), digits)
    with pytest.raises(InputError, match="since the model has no batch normalization"):
        build(recipe, digits)
