"""What a net learns to answer, and which settings go with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from .contradiction import Contradiction, value_of
from .data import DataSection, Task
from .idle import Sections
from .scalars import format_value
from .section import Section

LOSSES_OF: Final[Mapping[Task, tuple[str, ...]]] = {
    "classification": ("cross-entropy", "kl", "logistic"),
    "multi-label": ("logistic",),
    "regression": ("l2", "l1", "smooth-l1"),
    "ranking": ("margin-ranking", "pair-logistic"),
}
"""The losses of each task; first the one that `auto` takes."""

NAMED_BY: Final[Mapping[str, Task]] = {
    "label_separator": "multi-label",
    "target_columns": "regression",
    "worse_column": "ranking",
}
"""The settings of `data` that name a task where somebody gave them."""

OF_LABELS: Final[tuple[tuple[str, tuple[Any, ...], str], ...]] = (
    ("loss.label_smoothing", (0, "auto"), "there are no probabilities to smooth"),
    ("loss.class_weights", ("none",), "there are no classes to weigh"),
    ("init.class_prior", (False,), "there are no classes to count"),
    ("augment.cutmix", (0,), "a number or a rank does not change with the area that shows it"),
    ("augment.mixup", (0,), "of two pictures in one none is the better"),
)
"""Settings that speak of labels → their values that ask for nothing, and why they mean nothing without labels."""

SMOOTHED: Final = ("cross-entropy", "kl")
"""The losses whose labels `auto` smooths."""


def task_of(section: DataSection) -> Task:
    """Says what the net learns; `auto` is classification unless somebody named what belongs to another task.

    >>> task_of(DataSection()), task_of(DataSection(label_separator=";"))
    ('classification', 'multi-label')
    """
    if section.task != "auto":
        return section.task
    named = _named(section)
    return NAMED_BY[named[0]] if named else "classification"


def target_columns(section: DataSection) -> tuple[str, ...]:
    """Lists the columns that hold numbers, in order.

    >>> target_columns(DataSection(target_columns="width, height"))
    ('width', 'height')
    """
    if section.target_columns == "none":
        return ()
    return tuple(name for part in section.target_columns.split(",") if (name := part.strip()))


def why_task(section: DataSection) -> str:
    """Gives the reason for what `auto` makes of the task."""
    named = _named(section)
    return f"data.{named[0]} is given" if named else "no setting of the data names another"


def task_contradictions(sections: Sections) -> list[Contradiction]:
    """Finds settings that mean nothing, or nothing good, for the task."""
    task = task_of(cast(DataSection, sections["data"]))
    rules = (
        _one_task,
        _targets_have_columns,
        _loss_fits,
        _margin_is_of_pairs,
        _smoothing_is_of_probabilities,
        _only_of_labels,
    )
    return [broken for rule in rules for broken in rule(sections, task)]


def _one_task(sections: Sections, _: Task) -> list[Contradiction]:
    given = [f"data.{name}" for name in _named(sections["data"])]
    if len(given) < 2 or value_of(sections, "data.task") != "auto":
        return []
    return [
        Contradiction(
            keys=(given[1], given[0], "data.task"),
            problem=f"{given[1]} and {given[0]} belong to different tasks",
            expected=f"data.task: one of {', '.join(LOSSES_OF)}",
            got="data.task: auto",
            hint=f"leave {given[1]} out, or name the task",
        )
    ]


def _loss_fits(sections: Sections, task: Task) -> list[Contradiction]:
    name = value_of(sections, "loss.name")
    if name == "auto" or name in LOSSES_OF[task]:
        return []
    return [
        Contradiction(
            keys=("loss.name", "data.task"),
            problem=f"loss.name {name} does not fit the task {task}",
            expected=f"loss.name: one of {', '.join(LOSSES_OF[task])}, or auto",
            got=f"loss.name: {name}",
            hint="data.task names another task" if task == "classification" else "leave loss.name out",
        )
    ]


def _smoothing_is_of_probabilities(sections: Sections, task: Task) -> list[Contradiction]:
    smoothing = value_of(sections, "loss.label_smoothing")
    if task != "multi-label" or smoothing == "auto" or smoothing < 0.5:
        return []
    return [
        Contradiction(
            keys=("loss.label_smoothing", "data.task"),
            problem="label smoothing leaves a label that holds no more likely than one that does not",
            expected="loss.label_smoothing below 0.5 in the task multi-label",
            got=f"loss.label_smoothing: {format_value(smoothing)}",
            hint="leave loss.label_smoothing out",
        )
    ]


def _targets_have_columns(sections: Sections, task: Task) -> list[Contradiction]:
    if task != "regression":
        return []
    names, got = target_columns(cast(DataSection, sections["data"])), value_of(sections, "data.target_columns")
    again = next((name for name in names if names.count(name) > 1), None)
    if names and again is None:
        return []
    return [
        Contradiction(
            keys=("data.target_columns", "data.task"),
            problem="regression needs the columns with the numbers"
            if again is None
            else f"data.target_columns names '{again}' twice",
            expected="data.target_columns: names of columns, separated by commas",
            got=f"data.target_columns: {format_value(got)}",
            hint="--set data.target_columns=NAME",
        )
    ]


def _margin_is_of_pairs(sections: Sections, task: Task) -> list[Contradiction]:
    margin, default = value_of(sections, "loss.margin"), type(sections["loss"]).model_fields["margin"].default
    if task == "ranking" or value_of(sections, "loss.name") != "auto" or margin == default:
        return []
    return [
        Contradiction(
            keys=("loss.margin", "data.task"),
            problem=f"loss.margin has no meaning in the task {task}: there are no pairs",
            expected=f"loss.margin: {format_value(default)}",
            got=f"loss.margin: {format_value(margin)}",
            hint="leave loss.margin out",
        )
    ]


def _only_of_labels(sections: Sections, task: Task) -> list[Contradiction]:
    """Finds settings that ask for labels where a picture has none."""
    if task in ("classification", "multi-label"):
        return []
    found: list[Contradiction] = []
    for key, off, reason in OF_LABELS:
        value = value_of(sections, key)
        if key == "augment.mixup" and task != "ranking":
            continue
        told_by_loss = key.startswith("loss.") and value_of(sections, "loss.name") != "auto"
        if value in off or told_by_loss:
            continue
        found.append(
            Contradiction(
                keys=(key, "data.task"),
                problem=f"{key} has no meaning in the task {task}: {reason}",
                expected=f"{key}: {format_value(off[0])}",
                got=f"{key}: {format_value(value)}",
                hint=f"leave {key} out",
            )
        )
    return found


def _named(section: Section) -> list[str]:
    """Lists the settings by which somebody named a task."""
    fields = DataSection.model_fields
    return [name for name in NAMED_BY if getattr(section, name) != fields[name].default]
