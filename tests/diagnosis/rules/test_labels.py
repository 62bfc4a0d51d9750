"""Rules about labels, on answers made up as nets give them."""

from __future__ import annotations

import numpy as np
import pytest

from diagnosis.histories import BLIND, alarming, course
from trainwright.diagnosis.course import Known
from trainwright.diagnosis.rules.classes import class_imbalance_harmful, not_shuffled
from trainwright.diagnosis.rules.labels import classes_swapped, labels_noisy, labels_shuffled

EVEN = (5,) * 10


def confusion(true: np.ndarray, named: np.ndarray, classes: int = 10) -> tuple[tuple[int, ...], ...]:
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (true, named), 1)
    return tuple(tuple(row) for row in table.tolist())


def diagonal(right: float = 0.9, classes: int = 10, each: int = 50) -> tuple[tuple[int, ...], ...]:
    """Most pictures called right, the others by the next class."""
    kept = round(each * right)
    return tuple(
        tuple(
            kept if column == row else each - kept if column == (row + 1) % classes else 0 for column in range(classes)
        )
        for row in range(classes)
    )


@pytest.mark.parametrize(
    "look", [labels_shuffled, labels_noisy, classes_swapped, class_imbalance_harmful, not_shuffled]
)
def test_a_healthy_run_is_left_alone(look):
    seen = {"confusion_KK": diagonal()}
    assert look(course(clean=seen, valid=seen, probe={"label_counts": EVEN})) is None


class TestLabelsShuffled:
    def blind(self, step: int) -> tuple[tuple[int, ...], ...]:
        return confusion(np.arange(500) % 10, np.random.default_rng(step).integers(0, 10, 500))

    def late(self, step: int) -> float:
        """Nothing for 150 steps, then by heart."""
        return BLIND if step < 150 else BLIND * max(0.3, 1 - (step - 150) / 300)

    def valid(self) -> dict:
        return {"confusion_KK": self.blind, "accuracy": 0.11, "loss": 3.0}

    def test_training_is_learned_by_heart_and_validation_stays_blind(self):
        found = labels_shuffled(
            course(
                loss=self.late,
                clean={"loss": self.late, "accuracy": 0.7, "confusion_KK": diagonal(0.7)},
                valid=self.valid(),
                probe={"half_cosine": 0.02},
            )
        )
        assert alarming(found)
        assert "overfitting" in found.explains
        assert found.evidence["skill_in_the_first_epochs"] < 0.05

    def test_a_little_above_chance_look_after_look_is_learned_from_labels_that_fit(self):
        """96 pictures, 16 of them right in every look: no look alone is above chance, all together are."""
        seen = {"confusion_KK": confusion(np.arange(96) % 10, np.where(np.arange(96) < 16, np.arange(96), 1) % 10)}
        little = {
            "loss": self.late,
            "clean": {"loss": self.late, "accuracy": 0.7, "confusion_KK": diagonal(0.7)},
            "probe": {"half_cosine": 0.02},
        }
        assert labels_shuffled(course(**little, valid=seen | {"accuracy": 0.17, "loss": 3.0})) is None
        assert labels_shuffled(course(**little, valid=seen | {"accuracy": 0.11, "loss": 3.0})) is not None

    def test_new_pictures_that_are_answered_well_have_labels_that_fit(self):
        """The loss falls in the first epoch, on pictures never seen: validation is what is wrong."""
        assert labels_shuffled(course(clean={"confusion_KK": diagonal()}, valid=self.valid())) is None

    def test_nothing_learned_needs_halves_of_batches_that_have_nothing_in_common(self):
        seen = {
            "loss": BLIND,
            "clean": {"loss": BLIND, "accuracy": 0.1, "confusion_KK": self.blind},
            "valid": self.valid() | {"loss": BLIND},
        }
        assert labels_shuffled(course(**seen)) is None
        assert labels_shuffled(course(**seen, probe={"half_cosine": 0.4})) is None
        found = labels_shuffled(course(**seen, probe={"half_cosine": 0.01}))
        assert alarming(found)
        assert found.strength < 0.7

    def test_batches_of_two_hide_whether_anything_can_be_learned(self):
        seen = {"loss": BLIND, "clean": {"loss": BLIND, "accuracy": 0.1, "confusion_KK": self.blind}}
        tiny = {"batch_size": 2}
        assert labels_shuffled(course(**seen, valid=self.valid(), probe={"half_cosine": 0.01}, watch=tiny)) is None

    def test_weights_that_hardly_move_learn_nothing_from_any_labels(self):
        seen = {"loss": BLIND, "clean": {"loss": BLIND, "accuracy": 0.1, "confusion_KK": self.blind}}
        still = {"half_cosine": 0.01, "updates": (1e-7,) * 4}
        assert labels_shuffled(course(**seen, valid=self.valid(), probe=still)) is None


class TestLabelsNoisy:
    def answers(self, share: float, *, likes: bool = False, hard: float = 0.0) -> dict:
        """Pictures with wrong labels cost 4, right ones little; or those of classes that look alike are mistaken."""
        rng = np.random.default_rng(3)
        label = np.arange(500) % 10
        wrong = rng.random(500) < share
        other = label ^ 1 if likes else (label + rng.integers(1, 10, 500)) % 10
        losses = np.where(wrong, 4.0 + rng.random(500), 0.1 * rng.random(500))
        losses = np.where(rng.random(500) < hard, 1.8 + 0.4 * rng.random(500), losses)
        return {
            "losses": lambda step: tuple(losses.round(3)) if step > 80 else (2.3,) * 500,
            "confusion_KK": confusion(label, np.where(wrong, other, label)),
            "accuracy": float(1 - wrong.mean()),
            "loss": float(losses.mean()),
        }

    @pytest.mark.parametrize("share", [0.15, 0.3, 0.45])
    def test_the_share_is_estimated(self, share: float):
        found = labels_noisy(course(clean=self.answers(share)))
        assert alarming(found)
        assert abs(found.evidence["share_of_labels_wrong"] - share) < 2.5 * found.evidence["standard_error"]
        assert found.since_step == 120

    def test_classes_that_look_alike_are_no_wrong_labels(self):
        assert labels_noisy(course(clean=self.answers(0.3, likes=True))) is None

    def test_hard_pictures_lie_between(self):
        assert labels_noisy(course(clean=self.answers(0.12, hard=0.3), valid={"accuracy": 0.88})) is None

    def test_some_mistakes_are_usual(self):
        assert labels_noisy(course(clean=self.answers(0.03))) is None

    def test_the_same_pictures_must_stay(self):
        def others(step: int) -> tuple[float, ...]:
            return tuple(np.where(np.random.default_rng(step).random(500) < 0.2, 4.0, 0.1))

        assert labels_noisy(course(clean=self.answers(0.2) | {"losses": others})) is None

    def test_what_is_learned_two_looks_later_was_only_hard(self):
        usual = self.answers(0.3)

        def shrinking(step: int) -> tuple[float, ...]:
            losses = np.array(usual["losses"](step))
            dear = np.flatnonzero(losses > BLIND)
            losses[dear[: int(len(dear) * (1 - 0.5 ** ((step - 80) / 40)))]] = 0.1
            return tuple(losses)

        assert labels_noisy(course(clean=usual | {"losses": shrinking})) is None

    def test_of_unequal_classes_validation_must_do_better(self):
        """Mistakes with rare classes, which are called by frequent ones, look as if by chance."""
        usual = self.answers(0.3)
        rows = [list(row) for row in usual["confusion_KK"]]
        rows[0][0] += 400
        uneven = usual | {"confusion_KK": tuple(map(tuple, rows)), "pictures": 900}
        assert labels_noisy(course(clean=uneven, valid={"accuracy": 0.7})) is None

    def test_of_two_classes_validation_must_do_better(self):
        label = np.arange(500) % 2
        wrong = np.random.default_rng(4).random(500) < 0.2
        train = {
            "losses": tuple(np.where(wrong, 3.0, 0.1)),
            "confusion_KK": confusion(label, np.where(wrong, 1 - label, label), 2),
            "accuracy": 0.8,
        }
        clean = {"confusion_KK": ((240, 10), (10, 240)), "accuracy": 0.96, "pictures": 500}
        assert labels_noisy(course(watch={"classes": 2}, clean=train, valid=clean | {"accuracy": 0.81})) is None
        assert alarming(labels_noisy(course(watch={"classes": 2}, clean=train, valid=clean)))


class TestClassesSwapped:
    def swapped(self, share: float) -> tuple[tuple[int, ...], ...]:
        rows = [list(row) for row in diagonal(1.0)]
        moved = round(50 * share)
        for one, other in ((3, 7), (7, 3)):
            rows[one][one], rows[one][other] = 50 - moved, moved
        return tuple(map(tuple, rows))

    def test_two_classes_that_change_names(self):
        found = classes_swapped(course(clean={"confusion_KK": diagonal()}, valid={"confusion_KK": self.swapped(0.9)}))
        assert alarming(found)
        assert found.evidence["called_instead"] == {"3": 7, "7": 3}
        assert found.evidence["pictures"] == 90

    def test_classes_that_look_alike_are_not_swapped(self):
        alike = self.swapped(0.45)
        assert classes_swapped(course(clean={"confusion_KK": diagonal()}, valid={"confusion_KK": alike})) is None

    def test_where_training_names_them_so_too_nothing_is_exchanged_between_parts(self):
        both = {"confusion_KK": self.swapped(0.9)}
        assert classes_swapped(course(clean=both, valid=both)) is None

    def test_a_class_that_is_called_by_another_which_keeps_its_name_is_lost_and_not_swapped(self):
        rows = [list(row) for row in diagonal(1.0)]
        rows[3] = [0, 0, 0, 0, 50, 0, 0, 0, 0, 0]
        lost = {"confusion_KK": tuple(map(tuple, rows))}
        assert classes_swapped(course(clean={"confusion_KK": diagonal()}, valid=lost)) is None

    def test_all_classes_moved_by_one_are_found_as_a_whole(self):
        off = tuple(tuple(row) for row in np.roll(np.eye(10, dtype=int) * 50, 1, axis=1).tolist())
        found = classes_swapped(course(clean={"confusion_KK": diagonal()}, valid={"confusion_KK": off}))
        assert alarming(found)
        assert len(found.evidence["called_instead"]) == 10
        assert "…" in found.summary


class TestClassImbalanceHarmful:
    KNOWN = Known({}, (0.18,) * 5 + (0.02,) * 5)

    def valid(self, rare: float, *, back: int = 0) -> dict:
        """Rare classes, 20 pictures each, are taken for class 0, and as many of class 0 for them as is said."""
        found = round(20 * rare)
        rows = [[0] * 10 for _ in range(10)]
        for one in range(5):
            rows[one][one] = 180
            rows[one + 5][one + 5], rows[one + 5][0] = found, 20 - found
        rows[0][0], rows[0][5] = 180 - back, back
        return {"confusion_KK": tuple(map(tuple, rows))}

    def test_rare_classes_that_are_not_named(self):
        found = class_imbalance_harmful(course(self.KNOWN, valid=self.valid(0.4)))
        assert alarming(found)
        assert found.evidence["recall_of_rare_classes"] == pytest.approx(0.4)
        assert "shares" not in found.advice
        assert "weight=" in found.advice["do"]

    def test_imbalance_that_does_no_harm(self):
        assert class_imbalance_harmful(course(self.KNOWN, valid=self.valid(0.9))) is None

    def test_a_rare_class_that_is_hard_is_named_as_often_as_it_is_there(self):
        assert class_imbalance_harmful(course(self.KNOWN, valid=self.valid(0.4, back=60))) is None

    def test_shares_are_taken_from_training_pictures_where_nobody_tells(self):
        clean = {"confusion_KK": tuple(map(tuple, (np.eye(10, dtype=int) * ([90] * 5 + [10] * 5)).tolist()))}
        assert alarming(class_imbalance_harmful(course(clean=clean, valid=self.valid(0.4))))
        assert class_imbalance_harmful(course(clean={"confusion_KK": diagonal()}, valid=self.valid(0.4))) is None

    def test_advice_is_a_setting_where_there_is_one(self):
        known = Known({"loss.class_weights": "none"}, self.KNOWN.class_shares)
        found = class_imbalance_harmful(course(known, valid=self.valid(0.4)))
        assert found is not None
        assert found.advice == {"loss.class_weights": "balanced"}


class TestNotShuffled:
    def sorted(self, step: int) -> tuple[int, ...]:
        return tuple(50 if column == (step // 10) % 10 else 0 for column in range(10))

    def by_chance(self, step: int) -> tuple[int, ...]:
        return tuple(np.random.default_rng(step).multinomial(50, [0.1] * 10).tolist())

    def test_batches_of_one_class(self):
        found = not_shuffled(course(probe={"label_counts": self.sorted}, clean={"loss": 2.0}))
        assert alarming(found)
        assert found.exact
        assert found.evidence["classes_in_a_batch"] == 1.0
        assert found.evidence["classes_in_a_batch_by_chance"] > 9

    def test_where_it_learns_well_all_the_same_it_is_a_note(self):
        found = not_shuffled(course(probe={"label_counts": self.sorted}))
        assert found is not None
        assert not alarming(found)

    @pytest.mark.parametrize("counts", ["by_chance", "even"])
    def test_batches_by_chance_and_even_ones_are_shuffled(self, counts):
        column = self.by_chance if counts == "by_chance" else EVEN
        assert not_shuffled(course(probe={"label_counts": column}, clean={"loss": 2.0})) is None
