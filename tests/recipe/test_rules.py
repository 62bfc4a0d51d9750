from __future__ import annotations

import pytest

from recipe.asking import made, refused
from trainwright.recipe import Recipe, catalog, format_value
from trainwright.recipe.idle import idle_settings
from trainwright.recipe.rules import contradictions


def test_the_defaults_contradict_nothing():
    assert contradictions(Recipe().sections()) == []
    assert set(idle_settings(Recipe().sections())) == {
        "init.std",
        "loss.beta",
        *("model.leaky_slope", "model.norm_groups"),
        *("optim.beta1", "optim.beta2", "optim.rho", "optim.eps"),
        "preprocess.epsilon",
        "regularization.sparsity_target",
        "training.retrain_rate",
        *("schedule.cycles", "schedule.cycle_decay", "schedule.drop_epochs", "schedule.drop_factor"),
    }


FITTING = {
    "regression": {"data.target_columns": "a"},
    **{loss: {"data.task": "ranking"} for loss in ("margin-ranking", "pair-logistic")},
    **{loss: {"data.task": "regression", "data.target_columns": "a"} for loss in ("l2", "l1", "smooth-l1")},
}
"""What a task or a loss needs beside it, so that a single rule is broken."""

DECLARED = [(row.key, sibling, values) for row in catalog().values() for sibling, values in row.applies.items()]


def others_of(sibling: str) -> tuple[str, ...]:
    row = catalog()[sibling]
    return row.choices or row.examples or ("resnet18",)


@pytest.mark.parametrize(("key", "sibling", "values"), DECLARED)
def test_every_declared_setting_is_refused_beside_a_sibling_that_takes_its_effect(key, sibling, values):
    others = [choice for choice in others_of(sibling) if choice not in values]
    row = catalog()[key]
    words = row.choices or row.examples or ("other",)
    value = {"number": 0.5, "whole number": 8, "switch": True}.get(row.kind) or words[-1]
    for other in others:
        error = refused(**{sibling: other, key: value, **FITTING.get(str(other), {})})
        assert error.problem == f"{key} has no effect, since {sibling} is {format_value(other)}"
        assert error.expected == f"{sibling} one of {', '.join(values)}"
        assert error.where == f"{key} and {sibling}"
        assert error.hint == f"leave {key} out, or change {sibling}"


def test_a_default_without_effect_is_no_mistake():
    assert made(optim__name="adamw").idle()["optim.momentum"] == "optim.name is adamw"


def test_a_sparsity_target_needs_sparsity():
    error = refused(regularization__sparsity_target=0.1)
    assert error.problem == "regularization.sparsity_target has no effect, since regularization.sparsity is 0.0"
    assert (
        made(regularization__sparsity_target=0.1, regularization__sparsity=1e-3).regularization.sparsity_target == 0.1
    )


@pytest.mark.parametrize("name", ["sparsity", "activation_noise"])
def test_what_reaches_into_the_net_is_refused_beside_a_compiled_one(name):
    error = refused(**{f"regularization__{name}": 0.1, "machine__compile": True})
    assert error.problem.startswith(f"regularization.{name} reaches into the net between its layers")
    assert error.got == f"regularization.{name}: 0.1, machine.compile: true"
    made(**{f"regularization__{name}": 0.1})


@pytest.mark.parametrize("activation", sorted(set(catalog()["model.activation"].choices)))
def test_sparsity_needs_an_activation_at_which_units_rest(activation):
    values = {"regularization.sparsity": 0.1, "model.activation": activation}
    if activation in ("native", "relu", "sigmoid", "tanh", "softplus"):
        made(**values)
        return
    error = refused(**values)
    assert error.problem.startswith(f"{activation} has no value at which a unit rests")
    assert error.where == "regularization.sparsity and model.activation"
    assert error.hint == "model.activation: relu, or regularization.l1 for sparse weights"


@pytest.mark.parametrize("normalization", ["instance", "layer", "group", "none"])
def test_statistics_that_are_not_there_are_not_counted_anew(normalization):
    values = {"training.reestimate_batch_norm": True, "model.normalization": normalization}
    assert refused(**values).where == "training.reestimate_batch_norm and model.normalization"
    made(**{**values, "model.normalization": "batch-instance"})
    made(**{**values, "model.name": "resnet18"})


def test_a_new_start_has_no_validation_part_for_plateau():
    error = refused(training__retrain="restart", schedule__name="plateau")
    assert error.problem.startswith("training.retrain restart learns from the validation pictures")
    assert error.expected == "another schedule.name, or training.retrain: continue"
    made(training__retrain="continue", schedule__name="plateau")


def test_nesterov_needs_momentum():
    error = refused(optim__momentum=0.0, optim__nesterov=True)
    assert error.problem == "optim.nesterov has no effect, since optim.momentum is 0.0"
    assert error.expected == "optim.momentum above 0"
    assert made(optim__momentum=0.0, optim__nesterov=False).optim.nesterov is False
    assert made(optim__momentum=0.0).idle()["optim.nesterov"] == "optim.momentum is 0.0"


def test_a_start_rate_needs_a_warm_up():
    error = refused(schedule__warmup=0.0, schedule__start_factor=0.1)
    assert error.problem == "schedule.start_factor has no effect, since schedule.warmup is 0.0"


def test_training_does_not_end_on_the_plateau_on_which_the_rate_drops():
    error = refused(schedule__name="plateau", training__patience=5)
    assert error.problem == "training would end on the plateau on which the rate should drop"
    assert error.expected == "training.patience above schedule.drop_epochs, 5, or 0"
    assert made(schedule__name="plateau", training__patience=6).training.patience == 6
    assert made(schedule__name="step", training__patience=5).training.patience == 5


def test_columns_of_a_manifest_differ():
    error = refused(data__label_column="path", data__group_column="path")
    text = str(error)
    assert "1. data.label_column and data.path_column name the same column" in text
    assert "2. data.group_column and data.path_column name the same column" in text
    assert made(data__path_column="label", data__label_column="path").data.path_column == "label"


def test_float16_needs_a_gpu():
    for device in ("cpu", "mps"):
        error = refused(machine__precision="float16", machine__device=device)
        assert error.problem == "machine.precision float16 needs a CUDA device"
        assert error.got == f"machine.device: {device}"
    assert error.hint == "machine.precision: bfloat16, or auto"
    assert made(machine__precision="float16").machine.precision == "float16"
    assert made(machine__precision="float16", machine__device="cuda:1").machine.device == "cuda:1"
    assert made(machine__precision="bfloat16", machine__device="cpu").machine.device == "cpu"


def test_weights_need_a_model():
    assert refused(model__weights="pretrained").problem == "model.weights needs a named model"
    assert refused(model__weights="w.safetensors").hint == "name a model, such as model.name: resnet18"
    error = refused(model__weights="pretrained", model__name="plain")
    assert error.problem == "there are no published weights for plain"
    assert made(model__weights="w.safetensors", model__name="plain").model.weights == "w.safetensors"
    assert made(model__weights="pretrained", model__name="resnet18").model.weights == "pretrained"


def test_loaded_weights_are_not_drawn_again():
    loaded = {"model__name": "resnet18", "model__weights": "pretrained"}
    error = refused(init__scheme="xavier", **loaded)
    assert error.problem == (
        "init.scheme xavier has no effect, since the loaded weights take the place of what it draws"
    )
    assert error.got == "init.scheme: xavier, model.weights: pretrained"
    error = refused(init__centered_weight_norm=True, **loaded)
    assert error.problem.startswith("init.centered_weight_norm would change the loaded weights")
    assert made(init__scheme="native", **loaded).init.scheme == "native"
    assert made(init__class_prior=True, **loaded).init.class_prior


def test_weights_of_zero_have_no_direction():
    error = refused(init__scheme="zeros", init__centered_weight_norm=True)
    assert error.problem == "weights of zero cannot be scaled to length 1"
    assert error.hint == "init.scheme: kaiming, or auto"


@pytest.mark.parametrize("key", ["preprocess.center", "preprocess.scale"])
def test_statistics_of_weights_need_weights(key):
    error = refused(**{key: "pretrained"})
    assert error.problem == f"{key} pretrained needs the loaded weights of a timm model"
    assert (error.got, error.hint) == ("model.weights: none", f"{key}: channel, or auto")
    error = refused(**{key: "pretrained"}, model__name="plain", model__weights="w.safetensors")
    assert error.got == "model.name: plain"
    recipe = made(**{key: "pretrained"}, model__name="resnet18", model__weights="pretrained")
    assert recipe.get(key) == "pretrained"


@pytest.mark.parametrize(
    ("whiten", "scale", "key", "value", "reason"),
    [
        ("zca", "auto", "center", "channel", "preprocess.whiten zca turns pictures about their mean image"),
        ("pca", "none", "center", "none", "preprocess.whiten pca turns pictures about their mean image"),
        ("zca", "image", "scale", "image", "preprocess.whiten zca scales every direction itself"),
        ("zca", "minmax", "scale", "minmax", "preprocess.whiten zca scales every direction itself"),
        ("none", "minmax", "center", "image", "preprocess.scale minmax has a center of its own"),
        ("none", "minmax", "center", "channel", "preprocess.scale minmax has a center of its own"),
    ],
)
def test_whitening_and_minmax_stand_alone(whiten, scale, key, value, reason):
    given = {"preprocess__whiten": whiten, "preprocess__scale": scale, f"preprocess__{key}": value}
    error = refused(**given)
    assert error.problem == reason
    allowed = "image" if key == "center" and whiten != "none" else "none"
    assert error.expected == f"preprocess.{key}: {allowed}, or auto"
    assert error.got == f"preprocess.{key}: {value}"
    assert f"leave preprocess.{key} out" in error.hint


def test_what_goes_with_whitening_and_minmax():
    assert made(preprocess__whiten="zca", preprocess__epsilon=0.1).preprocess.epsilon == 0.1
    made(preprocess__whiten="pca", preprocess__center="image", preprocess__scale="none")
    made(preprocess__scale="minmax", preprocess__center="none")
    made(preprocess__scale="image", preprocess__center="channel")


def test_momentum_and_nesterov_need_momentum():
    for name in ("momentum", "nesterov"):
        error = refused(optim__name=name, optim__momentum=0.0)
        assert error.problem == f"{name} without momentum is plain stochastic gradient descent"
        assert error.hint == "optim.name: sgd for steps without momentum"
    assert made(optim__name="sgd", optim__momentum=0.0).optim.momentum == 0.0


def test_the_gradient_is_clipped_in_one_way():
    error = refused(optim__clip_norm=1.0, optim__clip_adaptive=0.01)
    assert error.problem == "the gradient can be clipped in one way only"
    assert error.expected == "one of optim.clip_norm, optim.clip_value, optim.clip_adaptive above 0"
    assert error.got == "optim.clip_norm: 1.0, optim.clip_adaptive: 0.01"
    assert error.hint == "leave optim.clip_adaptive out"
    for key in ("clip_norm", "clip_value", "clip_adaptive"):
        assert getattr(made(**{f"optim__{key}": 0.5}).optim, key) == 0.5


def test_decoupled_needs_a_penalty():
    error = refused(regularization__decoupled=True)
    assert error.problem == "regularization.decoupled has no effect, since there is no penalty"
    assert error.expected == "regularization.l1 or regularization.l2 above 0"
    for key in ("l1", "l2"):
        assert made(regularization__decoupled=True, **{f"regularization__{key}": 1e-3}).regularization.decoupled


@pytest.mark.parametrize("key", ["l1", "l2", "max_norm"])
def test_penalties_and_max_norm_are_not_negative(key):
    error = refused(**{f"regularization__{key}": -1.0})
    assert error.problem == f"regularization.{key} is out of range"
    assert error.expected.startswith("a number at least 0")


def test_cutmix_needs_pixels():
    error = refused(augment__cutmix=1.0, preprocess__whiten="pca")
    assert "components and not pixels" in error.problem
    assert made(augment__cutmix=1.0, preprocess__whiten="zca").augment.cutmix == 1.0


@pytest.mark.parametrize(
    "key", ["regularization.l1", "regularization.l2", "regularization.max_norm", "optim.clip_adaptive"]
)
@pytest.mark.parametrize("decoupled", [False, True])
def test_nothing_acts_on_what_centered_weights_are_computed_from(key, decoupled):
    given = {key.replace(".", "__"): 0.5}
    if decoupled and key.startswith("regularization.l"):
        given["regularization__decoupled"] = True
    error = refused(**given, init__centered_weight_norm=True)
    assert error.problem.startswith(f"{key} would act on what centered, normalized weights are computed from")
    assert error.expected == f"one of {key} and init.centered_weight_norm"
    assert error.got == f"{key}: 0.5, init.centered_weight_norm: true"
    assert error.hint == f"leave {key} out"
    made(**given)
    made(optim__clip_norm=1.0, init__centered_weight_norm=True)
