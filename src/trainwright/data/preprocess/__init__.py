"""How stored pixels become the numbers that the net sees, fitted on the training part only.

Comes in:   a part of uint8 pictures, or a pretrained model's own mean and standard deviation
Goes out:   a Preprocessor: one scale and one shift a channel, then what differs from pixel to pixel, and whitening
May import: errors, recipe, runs, data/free_memory
Read next:  data/augment/
Example:    preprocessor = fit_preprocessor(recipe.preprocess, prepared.train)
"""

from .choice import choose_preprocess as choose_preprocess
from .findings import preprocess_findings as preprocess_findings
from .fitting import fit_preprocessor as fit_preprocessor
from .preprocessor import Preprocessor as Preprocessor
from .state import preprocessor_from as preprocessor_from
from .state import preprocessor_state as preprocessor_state
