"""How stored pixels become the numbers that the net sees, fitted on the training part only.

Comes in:   a part of uint8 pictures, or a pretrained model's own mean and standard deviation
Goes out:   a Preprocessor: mean and deviation of each channel, as one scale and one shift
May import: errors, recipe
Read next:  data/augment/
Example:    preprocessor = fit_preprocessor(recipe.preprocess, prepared.train)
"""

from .fitting import choose_preprocess as choose_preprocess
from .fitting import fit_preprocessor as fit_preprocessor
from .preprocessor import Preprocessor as Preprocessor
