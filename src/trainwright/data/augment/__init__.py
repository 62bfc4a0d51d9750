"""What happens to training pictures at random: every trick of geometry in one resample, every color in one matrix.

Comes in:   uint8 batches, sample ids, the epoch, a decided section, a preprocessor
Goes out:   float batches as the net sees them
May import: errors, recipe, runs, data/pictures, data/preprocess
Read next:  tricks.py (what there is), plan.py (what will happen), apply.py (how it happens)
Example:    images_NCHW = Augmenter(recipe.augment, preprocessor, seed=0).train(batch.images_NCHW, batch.samples_N, 3)
"""

from .augmenter import Augmenter as Augmenter
from .choice import augment_findings as augment_findings
from .choice import choose_augment as choose_augment
from .components import color_components as color_components
from .components import wanted_components as wanted_components
from .label_check import COPIES as COPIES
from .label_check import MOST_COMPARED as MOST_COMPARED
from .label_check import check_policy as check_policy
from .mixing import Mix as Mix
from .mixing import Mixing as Mixing
from .policies import NOTHING as NOTHING
from .policies import is_off as is_off
from .preview import preview_grid as preview_grid
from .preview import trick_sheet as trick_sheet
from .transform import load_transform as load_transform
from .transform import transform_fingerprint as transform_fingerprint
from .tricks import doses as doses
from .views import view_maps as view_maps
