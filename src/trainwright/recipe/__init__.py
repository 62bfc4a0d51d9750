"""All that a user can set: one frozen, validated recipe, in which every value knows where it came from.

Comes in:   YAML files, words of the command line, choices that `auto` made
Goes out:   Recipe, its text with sources, its JSON Schema, rows that describe every setting
May import: errors
Read next:  optim.py (a section), recipe.py, resolving.py, rules.py
Example:    recipe = compose(read_recipe_file("recipe.yaml"), parse_assignments(["optim.lr=0.1"]))
"""

from __future__ import annotations

from .augment import AugmentSection as AugmentSection
from .catalog import Setting as Setting
from .catalog import catalog as catalog
from .catalog import describe as describe
from .data import BUILT_IN_DATA as BUILT_IN_DATA
from .data import DataSection as DataSection
from .data import Task as Task
from .dosing import Dose as Dose
from .dosing import dose as dose
from .init import InitSection as InitSection
from .logging import LoggingSection as LoggingSection
from .loss import LossSection as LossSection
from .machine import MachineSection as MachineSection
from .model import FIRING_ACTIVATIONS as FIRING_ACTIVATIONS
from .model import OWN_MODELS as OWN_MODELS
from .model import ModelSection as ModelSection
from .optim import OWN_OPTIMIZERS as OWN_OPTIMIZERS
from .optim import TIMM_OPTIMIZER as TIMM_OPTIMIZER
from .optim import OptimSection as OptimSection
from .preprocess import PreprocessSection as PreprocessSection
from .reading import parse_assignments as parse_assignments
from .reading import read_recipe_file as read_recipe_file
from .recipe import Choice as Choice
from .recipe import Given as Given
from .recipe import Origin as Origin
from .recipe import Recipe as Recipe
from .regularization import RegularizationSection as RegularizationSection
from .resolving import compose as compose
from .scalars import format_value as format_value
from .scalars import parse_plain as parse_plain
from .schedule import ScheduleSection as ScheduleSection
from .schema import json_schema as json_schema
from .section import OPEN as OPEN
from .section import Auto as Auto
from .section import Find as Find
from .section import Section as Section
from .section import decided as decided
from .table import settings_table as settings_table
from .tasks import LOSSES_OF as LOSSES_OF
from .tasks import SMOOTHED as SMOOTHED
from .tasks import target_columns as target_columns
from .tasks import task_of as task_of
from .tasks import why_task as why_task
from .training import TrainingSection as TrainingSection
from .writing import source_words as source_words
from .writing import write_recipe as write_recipe
