"""Every choice in the recipe has exactly one builder in its room, and the other way round."""

from __future__ import annotations

from typing import get_args

import pytest

from trainwright.models.building import OWN_BUILDERS
from trainwright.models.initialization import SCHEMES
from trainwright.recipe import OWN_MODELS, InitSection, LossSection, MachineSection, OptimSection, ScheduleSection
from trainwright.training.losses import LOSSES
from trainwright.training.machine import DTYPES
from trainwright.training.optimizers import OPTIMIZERS
from trainwright.training.schedules import COURSES


def choices(section: type, field: str) -> set[str]:
    return set(get_args(section.model_fields[field].annotation)) - {"auto"}


@pytest.mark.parametrize(
    ("named", "built"),
    [
        (set(OWN_MODELS), set(OWN_BUILDERS)),
        (choices(InitSection, "scheme"), set(SCHEMES)),
        (choices(LossSection, "name"), set(LOSSES)),
        (choices(OptimSection, "name"), set(OPTIMIZERS)),
        (choices(ScheduleSection, "name"), set(COURSES)),
        (choices(MachineSection, "precision"), set(DTYPES)),
    ],
)
def test_choices_and_builders_are_the_same(named, built):
    assert named == built
