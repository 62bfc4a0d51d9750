"""Every choice in the recipe has exactly one builder in its room, and the other way round."""

from __future__ import annotations

from typing import get_args

import pytest

from trainwright.data.preprocess.fitting import CENTERS, SCALES
from trainwright.data.preprocess.whitening import TURNED_BACK
from trainwright.models.activations import ACTIVATIONS
from trainwright.models.building import OWN_BUILDERS
from trainwright.models.initialization import SCHEMES
from trainwright.models.normalizations import NORMALIZATIONS
from trainwright.models.plain import POOLINGS
from trainwright.recipe import (
    OWN_MODELS,
    OWN_OPTIMIZERS,
    InitSection,
    LossSection,
    MachineSection,
    ModelSection,
    PreprocessSection,
    ScheduleSection,
    TrainingSection,
)
from trainwright.recipe.rules import CLIPPINGS
from trainwright.training.clipping import CLIPS
from trainwright.training.losses import LOSSES
from trainwright.training.machine import DTYPES
from trainwright.training.optimizers import OPTIMIZERS
from trainwright.training.retraining import SECOND_STAGES
from trainwright.training.schedules import COURSES


def choices(section: type, field: str) -> set[str]:
    return set(get_args(section.model_fields[field].annotation)) - {"auto"}


@pytest.mark.parametrize(
    ("named", "built"),
    [
        (set(OWN_MODELS), set(OWN_BUILDERS)),
        (choices(ModelSection, "activation") - {"native"}, set(ACTIVATIONS)),
        (choices(ModelSection, "normalization") - {"native"}, set(NORMALIZATIONS)),
        (choices(ModelSection, "pooling"), set(POOLINGS)),
        (choices(PreprocessSection, "center"), set(CENTERS)),
        (choices(PreprocessSection, "scale"), set(SCALES)),
        (choices(PreprocessSection, "whiten"), {"none", *TURNED_BACK}),
        (choices(InitSection, "scheme"), set(SCHEMES)),
        (choices(LossSection, "name"), set(LOSSES)),
        (set(OWN_OPTIMIZERS), set(OPTIMIZERS)),
        (set(CLIPPINGS), {f"optim.{name}" for name in CLIPS}),
        (choices(ScheduleSection, "name"), set(COURSES)),
        (choices(TrainingSection, "retrain"), {"none", *SECOND_STAGES}),
        (choices(MachineSection, "precision"), set(DTYPES)),
    ],
)
def test_choices_and_builders_are_the_same(named, built):
    assert named == built
