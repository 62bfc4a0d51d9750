"""The rules between settings of how long, how far and with what restraint a net trains."""

from __future__ import annotations

from collections.abc import Callable

from .contradiction import Contradiction, value_of
from .idle import Sections
from .scalars import format_value


def _plateau_comes_before_the_end(sections: Sections) -> list[Contradiction]:
    patience, drop_epochs = value_of(sections, "training.patience"), value_of(sections, "schedule.drop_epochs")
    if value_of(sections, "schedule.name") != "plateau" or patience == 0 or patience > drop_epochs:
        return []
    return [
        Contradiction(
            keys=("training.patience", "schedule.drop_epochs"),
            problem="training would end on the plateau on which the rate should drop",
            expected=f"training.patience above schedule.drop_epochs, {drop_epochs}, or 0",
            got=f"training.patience: {patience}",
            hint="a larger training.patience, or a smaller schedule.drop_epochs",
        )
    ]


def _decoupled_has_a_penalty(sections: Sections) -> list[Contradiction]:
    keys = ("regularization.decoupled", "regularization.l1", "regularization.l2")
    decoupled, l1, l2 = (value_of(sections, key) for key in keys)
    if not decoupled or l1 > 0 or l2 > 0:
        return []
    return [
        Contradiction(
            keys=keys,
            problem="regularization.decoupled has no effect, since there is no penalty",
            expected="regularization.l1 or regularization.l2 above 0",
            got="both 0",
            hint="leave regularization.decoupled out",
        )
    ]


def _activations_are_not_compiled(sections: Sections) -> list[Contradiction]:
    return [
        Contradiction(
            keys=(key, "machine.compile"),
            problem=f"{key} reaches into the net between its layers, which a compiled net does not let it",
            expected=f"one of {key} and machine.compile",
            got=f"{key}: {format_value(value)}, machine.compile: true",
            hint="leave machine.compile out",
        )
        for key in ("regularization.sparsity", "regularization.activation_noise")
        if value_of(sections, "machine.compile") and (value := value_of(sections, key)) > 0
    ]


def _a_new_start_has_no_validation(sections: Sections) -> list[Contradiction]:
    if value_of(sections, "training.retrain") != "restart" or value_of(sections, "schedule.name") != "plateau":
        return []
    return [
        Contradiction(
            keys=("training.retrain", "schedule.name"),
            problem="training.retrain restart learns from the validation pictures that schedule.name plateau looks at",
            expected="another schedule.name, or training.retrain: continue",
            got="training.retrain: restart, schedule.name: plateau",
            hint="schedule.name: step, with the epochs at which plateau dropped",
        )
    ]


TRAINING_RULES: tuple[Callable[[Sections], list[Contradiction]], ...] = (
    _plateau_comes_before_the_end,
    _decoupled_has_a_penalty,
    _activations_are_not_compiled,
    _a_new_start_has_no_validation,
)
