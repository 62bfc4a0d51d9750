from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.errors import InputError, TrainwrightError
from trainwright.recipe import Choice, DataSection, Given, ModelSection, OptimSection, Origin, Recipe, compose


def user(value: object, words: str = "words") -> Given:
    return Given(value, Origin("user", words))


def test_defaults_come_from_nobody():
    assert Recipe().origin("optim.lr") == Origin("default")
    assert Recipe().get("optim.momentum") == 0.9


def test_what_python_sets_is_the_users():
    assert Recipe(optim=OptimSection(lr=0.3)).origin("optim.lr") == Origin("user", "Python")


@pytest.mark.parametrize("method", ["get", "origin"])
def test_unknown_keys_name_the_nearest(method):
    with pytest.raises(InputError, match=r"there is no setting 'optim.lrr'\n  try: did you mean 'optim.lr'\?"):
        getattr(Recipe(), method)("optim.lrr")


def test_items_are_dotted_and_in_order():
    keys = [key for key, _ in Recipe().items()]
    assert keys[0] == "data.source"
    assert keys[-1] == "logging.tensorboard"
    assert len(keys) == len(set(keys))


def test_equality_is_of_values():
    given_default = compose({"optim.momentum": user(0.9)})
    assert given_default == Recipe()
    assert hash(given_default) == hash(Recipe())
    assert given_default != compose({"optim.momentum": user(0.8)})
    assert Recipe() != "recipe"


@given(data=st.data())
def test_copies_and_pickles_keep_values_and_origins(any_recipe, data):
    recipe = data.draw(any_recipe)
    for twin in (pickle.loads(pickle.dumps(recipe)), copy.deepcopy(recipe), copy.copy(recipe), recipe.model_copy()):
        assert twin == recipe
        assert all(twin.origin(key) == recipe.origin(key) for key, _ in recipe.items())


def test_it_shows_what_differs_from_the_defaults():
    recipe = compose({"optim.lr": user(0.1), "data.source": user("photos")})
    assert repr(recipe) == str(recipe) == "Recipe(data.source='photos', optim.lr=0.1)"


def test_differences_name_key_and_both_values():
    other = Recipe(optim=OptimSection(lr=0.5))
    assert Recipe().differences(other) == [("optim.lr", "auto", 0.5)]


def test_decide_fills_in_auto_with_its_reason():
    recipe = Recipe().decide(
        [Choice("optim.lr", 0.2, "SGD with batches of 128"), Choice("data.color", "gray", "all gray")]
    )
    assert recipe.optim.lr == 0.2
    assert recipe.origin("optim.lr") == Origin("auto", "SGD with batches of 128")
    assert "optim.lr" not in recipe.undecided()
    assert "optim.batch_size" in recipe.undecided()
    assert Recipe().optim.lr == "auto"


def test_decide_keeps_what_the_user_gave():
    recipe = compose({"optim.lr": user(0.1, "--lr 0.1")}).decide([Choice("training.epochs", 3, "few pictures")])
    assert recipe.origin("optim.lr") == Origin("user", "--lr 0.1")
    assert recipe.origin("optim.momentum") == Origin("default")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([Choice("optim.momentum", 0.5, "")], "a value, once, for a key that says auto"),
        ([Choice("optim.lrr", 0.5, "")], "auto chose wrongly for optim.lrr"),
        ([Choice("optim.lr", "auto", "")], "got: 'auto'"),
        ([Choice("optim.lr", 0.5, ""), Choice("optim.lr", 0.6, "")], r"got: 0.6 \(float\)"),
        ([Choice("optim.lr", -1.0, "")], "expected: a value that the key can have\n  got: -1.0"),
        ([Choice("optim.batch_size", 3.5, "")], r"3.5 \(float\)"),
        (
            [Choice("model.name", "resnet18", ""), Choice("model.width", 16, "")],
            "expected: a key that has an effect, but model.name is resnet18",
        ),
    ],
)
def test_a_wrong_choice_is_a_bug_of_ours(choices, message):
    with pytest.raises(TrainwrightError, match=message) as caught:
        Recipe().decide(choices)
    assert caught.value.exit_code == 1


def from_file(value: object) -> Given:
    return Given(value, Origin("file", "recipe.yaml:1"))


def test_only_what_was_given_on_purpose_was_asked_for():
    recipe = compose(
        {"model.width": from_file(16), "model.aspp": from_file(0), "model.depth": from_file("auto")},
        {"model.dilation": user(1), "optim.lr": user("auto")},
    )
    assert recipe.asked_for() == ("model.width", "model.dilation")


def test_a_default_of_a_file_gives_way_to_a_choice_and_what_was_asked_for_does_not():
    name = Choice("model.name", "resnet18", "large pictures")
    decided = compose({"model.aspp": from_file(0), "model.width": user("auto")}).decide([name])
    assert decided.origin("model.aspp") == Origin("default")
    assert decided.idle()["model.aspp"] == "model.name is resnet18"
    for layer in ({"model.aspp": user(0)}, {"model.aspp": from_file(1)}):
        with pytest.raises(InputError, match=r"model\.aspp has no effect, since model\.name is resnet18"):
            compose(layer).decide([name])


def test_undecided_leaves_out_what_has_no_effect():
    recipe = Recipe(model=ModelSection(name="resnet18"))
    assert "model.width" not in recipe.undecided()
    assert recipe.idle()["model.width"] == "model.name is resnet18"


def test_auto_may_not_contradict_the_user():
    recipe = compose({"machine.precision": user("float16", "--set machine.precision=float16")})
    with pytest.raises(InputError) as caught:
        recipe.decide([Choice("machine.device", "cpu", "no GPU found")])
    assert caught.value.where == "--set machine.precision=float16 and auto: no GPU found"


def test_rules_hold_for_recipes_made_in_python_too():
    with pytest.raises(InputError, match="name the same column"):
        Recipe(data=DataSection(label_column="path"))
    with pytest.raises(InputError, match=r"optim\.beta1 has no effect, since optim\.name is sgd"):
        Recipe(optim=OptimSection(beta1=0.8))


def test_a_key_without_origin_has_no_place():
    recipe = Recipe(machine=Recipe().machine.model_copy(update={"precision": "float16"}))
    with pytest.raises(InputError) as caught:
        recipe.decide([Choice("machine.device", "cpu", "")])
    assert caught.value.where == "auto: "
