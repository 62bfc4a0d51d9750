"""Tasks: what a net learns to say of a picture, and all that follows from it, one file a task.

Comes in:   what a net gave, and what is true
Goes out:   what counts as right in a step, an epoch's figures, the judgement of a part, one answer of several views
May import: errors, recipe, runs, data
Read next:  task.py, then classification.py
Example:    task_of_data(recipe.loss, data).judge(answers, names=part.names, part="test", epoch=3)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.data import PreparedData, Scale
from trainwright.recipe import LossSection

from .classification import Classification as Classification
from .multi_label import THRESHOLD as THRESHOLD
from .multi_label import MultiLabel as MultiLabel
from .ranking import Ranking as Ranking
from .regression import Regression as Regression
from .task import Answers as Answers
from .task import Task as Task
from .task import Verdict as Verdict


def task_of_data(loss: LossSection, data: PreparedData) -> Task:
    """Gives the task of prepared data.

    Args:
        loss: decided.
        data: names the task, and what the numbers of the net stand for.
    """
    if data.task == "multi-label":
        return MultiLabel(data.classes)
    if data.task == "ranking":
        return Ranking(loss)
    if data.scale is not None:
        return Regression(data.classes, data.scale, loss)
    return Classification(data.classes, each_alone=loss.name == "logistic")


def task_from(meta: Mapping[str, Any]) -> Task:
    """Gives the task that a snapshot was trained for, from what was saved with it."""
    names = tuple(meta["classes"])
    described = meta.get("task", {"name": "classification", "each_alone": False})
    if described["name"] == "multi-label":
        return MultiLabel(names)
    if described["name"] == "ranking":
        return Ranking(LossSection(**described["loss"]))
    if described["name"] == "regression":
        scale = Scale(tuple(described["mean"]), tuple(described["deviation"]))
        return Regression(names, scale, LossSection(**described["loss"]))
    return Classification(names, each_alone=described["each_alone"])
