"""Pictures: found, audited, split, decoded once into uint8, and given out in batches.

Comes in:   the recipe's section `data`: a built-in name or a path
Goes out:   a Catalog of all pictures; PreparedData with its parts; Batches of uint8 pictures and labels
May import: errors, recipe, runs
Read next:  models/
Example:    catalog = open_catalog(DataSection(source="photos/"))
"""

from __future__ import annotations

from .audit import Audit as Audit
from .audit import Rejected as Rejected
from .augment import COPIES as COPIES
from .augment import MOST_COMPARED as MOST_COMPARED
from .augment import NOTHING as NOTHING
from .augment import Augmenter as Augmenter
from .augment import Mix as Mix
from .augment import Mixing as Mixing
from .augment import augment_findings as augment_findings
from .augment import check_policy as check_policy
from .augment import choose_augment as choose_augment
from .augment import doses as doses
from .augment import is_off as is_off
from .augment import load_transform as load_transform
from .augment import preview_grid as preview_grid
from .augment import transform_fingerprint as transform_fingerprint
from .augment import trick_sheet as trick_sheet
from .augment import view_maps as view_maps
from .augment import wanted_components as wanted_components
from .batches import Batch as Batch
from .batches import batches as batches
from .batches import eval_batches as eval_batches
from .batches import order as order
from .catalog import Arrays as Arrays
from .catalog import Catalog as Catalog
from .catalog import Files as Files
from .catalog import Split as Split
from .catalog import check_trainable as check_trainable
from .decoding import UnreadablePicture as UnreadablePicture
from .folds import prepare_folds as prepare_folds
from .ingest import Progress as Progress
from .ingest import Reading as Reading
from .other import OtherPictures as OtherPictures
from .other import prepare_other as prepare_other
from .other import read_pictures as read_pictures
from .part import Part as Part
from .part import thinned as thinned
from .prepare import PreparedData as PreparedData
from .prepare import prepare as prepare
from .preprocess import Preprocessor as Preprocessor
from .preprocess import choose_preprocess as choose_preprocess
from .preprocess import fit_preprocessor as fit_preprocessor
from .preprocess import preprocess_findings as preprocess_findings
from .preprocess import preprocessor_from as preprocessor_from
from .preprocess import preprocessor_state as preprocessor_state
from .sources import PICTURE_SUFFIXES as PICTURE_SUFFIXES
from .sources import find_fashion_mnist as find_fashion_mnist
from .sources import open_catalog as open_catalog
from .sources.manifest_targets import PREDICTION_COLUMNS as PREDICTION_COLUMNS
from .split_file import SplitRow as SplitRow
from .split_file import read_split as read_split
from .split_file import write_data_files as write_data_files
from .targets import Scale as Scale
