"""Monitoring: a live net is measured while it learns, whosever loop it is.

Comes in:   a model, its optimizer, each step as it was made, pictures that stay the same
Goes out:   records of parameter tensors, of layers and of answers
May import: errors, recipe, runs, data, models, training
Read next:  monitor.py, then stepping.py and units.py
Example:    monitor = Monitor(model, optimizer, tell=events.write); monitor.step(1, 1, seen)
"""

from .monitor import Monitor as Monitor
from .pictures import MOST_PICTURES as MOST_PICTURES
from .pictures import Pictures as Pictures
from .tensors import unwrapped as unwrapped
