"""Monitoring: a live net is measured while it learns, whosever loop it is.

Comes in:   a model, its optimizer, each step as it was made, pictures that stay the same
Goes out:   records of parameter tensors, of layers and of answers
May import: errors, recipe, runs, data, models, training
Read next:  monitor.py, then stepping.py and units.py
Example:    monitor = Monitor(model, optimizer, tell=events.write); monitor.step(1, 1, seen)
"""

from .anew import Anew as Anew
from .anew import Step as Step
from .anew import Steps as Steps
from .anew import classes_of as classes_of
from .anew import scalar as scalar
from .calls import Calls as Calls
from .experiments import Question as Question
from .experiments import experiment as experiment
from .monitor import Monitor as Monitor
from .pictures import MOST_PICTURES as MOST_PICTURES
from .pictures import Pictures as Pictures
from .probing import alone as alone
from .seen_pictures import SeenPictures as SeenPictures
from .tensors import unwrapped as unwrapped
from .validation import Validation as Validation
from .validation import answer_of as answer_of
from .validation import validated as validated
