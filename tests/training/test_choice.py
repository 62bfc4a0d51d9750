import pytest

from trainwright.recipe import compose, parse_assignments
from trainwright.training.choice import choose_training


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
