from hypothesis import given
from hypothesis import strategies as st

from trainwright.training.stopping import Best, better, out_of_patience

scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10)), min_size=1, max_size=30)


@given(scores)
def test_best_is_the_first_of_the_highest_accuracy_and_lowest_loss(history):
    best = Best()
    for epoch, (accuracy, loss) in enumerate(history, start=1):
        best = better(best, epoch, accuracy, loss)
    key = max((accuracy, -loss) for accuracy, loss in history)
    assert best.epoch == 1 + [(a, -b) for a, b in history].index(key)


def test_without_validation_the_newest_is_kept():
    assert better(Best(3), 4, None, None).epoch == 4


def test_a_loss_that_is_no_number_is_never_better():
    assert better(Best(1, 0.5, 1.0), 2, 0.5, float("nan")).epoch == 1


def test_patience():
    best = Best(epoch=4, score=0.9, loss=0.1)
    assert not out_of_patience(best, 5, 2)
    assert out_of_patience(best, 6, 2)
    assert not out_of_patience(best, 1000, 0)
