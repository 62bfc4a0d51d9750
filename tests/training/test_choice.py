import pytest

from trainwright.recipe import LOSSES_OF, OptimSection, compose, parse_assignments
from trainwright.training.choice import LARGEST_STEP, choose_clipping, choose_training


def chosen(pictures: int, *words: str) -> dict[str, object]:
    recipe = compose(parse_assignments(words))
    return {choice.key: choice.value for choice in choose_training(recipe, pictures=pictures)}


@pytest.mark.parametrize(
    ("pictures", "batch_size", "epochs"),
    [(3, 3, 40), (200, 16, 40), (1294, 32, 40), (54_000, 128, 8), (1_000_000, 128, 8)],
)
def test_batch_and_length_follow_the_number_of_pictures(pictures, batch_size, epochs):
    values = chosen(pictures)
    assert values["optim.batch_size"] == batch_size
    assert values["training.epochs"] == epochs


def test_the_rate_of_sgd_grows_in_proportion_to_the_pictures_a_step():
    assert chosen(54_000, "optim.batch_size=128")["optim.lr"] == 0.25
    assert chosen(54_000, "optim.batch_size=64")["optim.lr"] == 0.125
    assert chosen(54_000, "optim.batch_size=64", "optim.accumulate=2")["optim.lr"] == 0.25


def test_the_rate_of_adamw_grows_with_the_root():
    one, four = (chosen(54_000, "optim.name=adamw", f"optim.batch_size={size}")["optim.lr"] for size in (128, 512))
    assert four == pytest.approx(2 * one)


def test_what_is_given_is_not_chosen():
    words = ["optim.batch_size=10", "optim.lr=1", "optim.weight_decay=0", "training.epochs=3"]
    assert chosen(54_000, *words) == {}


def test_the_family_of_sgd_shares_its_rate_and_decay():
    for name in ("momentum", "nesterov"):
        values = chosen(54_000, f"optim.name={name}")
        assert (values["optim.lr"], values["optim.weight_decay"]) == (0.25, 5e-4)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam"])
def test_where_the_decay_would_be_divided_by_the_gradient_s_root_there_is_none(name):
    assert chosen(54_000, f"optim.name={name}")["optim.weight_decay"] == 0.0
    one, four = (chosen(54_000, f"optim.name={name}", f"optim.batch_size={size}")["optim.lr"] for size in (64, 256))
    assert four == pytest.approx(2 * one, rel=5e-3)


def test_timm_s_optimizers_have_timm_s_rates():
    values = chosen(54_000, "optim.name=timm:lamb", "optim.batch_size=512")
    assert (values["optim.lr"], values["optim.weight_decay"]) == (1e-3, 0.01)


def test_full_batch_steps_have_the_rate_of_all_pictures_up_to_a_limit():
    values = chosen(640, "optim.accumulate=all")
    assert (values["optim.lr"], values["training.epochs"]) == (0.5, 300)
    assert chosen(160, "optim.accumulate=all")["optim.lr"] == pytest.approx(0.25 * 160 / 128, rel=5e-3)


def test_the_rate_grows_no_further_than_it_is_known_to():
    most = chosen(1_000_000, f"optim.batch_size={LARGEST_STEP}")["optim.lr"]
    many = 65536 * 4096 * 30
    assert chosen(many, "optim.batch_size=65536", "optim.accumulate=4096")["optim.lr"] == most == 16.0


def test_short_runs_have_a_share_of_the_rate():
    def rate(epochs: int) -> object:
        return chosen(180, f"training.epochs={epochs}")["optim.lr"]

    # 11 steps of 16 pictures an epoch, of which 200 earn the whole rate.
    assert rate(20) == rate(40) == 0.0312
    assert rate(6) == pytest.approx(0.03125 * 66 / 200, rel=5e-3)
    recipe = compose(parse_assignments(["training.epochs=6"]))
    reasons = {choice.key: choice.reason for choice in choose_training(recipe, pictures=180)}
    assert reasons["optim.lr"].endswith("and less for only 66 steps")


@pytest.mark.parametrize("word", ["regularization.l1=1e-5", "regularization.l2=1e-4"])
def test_penalties_take_the_place_of_weight_decay(word):
    assert chosen(54_000, word)["optim.weight_decay"] == 0.0
    assert "optim.weight_decay" not in chosen(54_000, word, "optim.weight_decay=0.01")


def test_a_loss_whose_gradient_has_no_bound_is_clipped_and_no_other_one():
    clipped = {
        loss for losses in LOSSES_OF.values() for loss in losses if choose_clipping(OptimSection(), loss)[0].value > 0
    }
    assert clipped == {"l2"}
    assert "could drive both to infinity" in choose_clipping(OptimSection(), "l2")[0].reason


def test_a_clipping_that_somebody_gave_stands_alone():
    assert choose_clipping(OptimSection(clip_norm=0.0), "l2") == []
    for key in ("clip_value", "clip_adaptive"):
        (choice,) = choose_clipping(OptimSection(**{key: 0.5}), "l2")
        assert (choice.value, choice.reason) == (0.0, "another setting clips the gradient")
