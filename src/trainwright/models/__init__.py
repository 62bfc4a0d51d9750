"""Nets: built from a recipe, sized by the data, filled with weights, described layer by layer.

Comes in:   the recipe's sections `model` and `init`, the number of classes, channels and pixels; files of weights
Goes out:   `nn.Module`s that map float pictures N C H W to logits N K; choices with reasons; tables of layers, signals
May import: errors, recipe, runs; torch; timm only inside functions (it takes seconds to import)
Read next:  training/
Example:    build_model(ModelSection(name="small-resnet", width=32, depth=1), classes=10, channels=1, img_size=28)
"""

from .building import Built as Built
from .building import build as build
from .building import build_model as build_model
from .building import check_model as check_model
from .centered import load_plain_state as load_plain_state
from .centered import plain_state as plain_state
from .choice import choose_init as choose_init
from .choice import choose_model as choose_model
from .data_driven import SCHEMES_ON_PICTURES as SCHEMES_ON_PICTURES
from .data_driven import fit_to_pictures as fit_to_pictures
from .fusing import fuse as fuse
from .heads import head_layers as head_layers
from .initialization import initialize as initialize
from .initialization import set_class_prior as set_class_prior
from .layer_numbers import layer_numbers as layer_numbers
from .modes import evaluating as evaluating
from .normalizations import share_names as share_names
from .plain import Plain as Plain
from .profile import LayerRow as LayerRow
from .profile import layer_table as layer_table
from .signals import LayerSignal as LayerSignal
from .signals import layer_signals as layer_signals
from .small_resnet import SmallResNet as SmallResNet
from .timm_models import source_preprocessing as source_preprocessing
from .weights import WeightReport as WeightReport
from .weights import load_weights as load_weights
from .weights import read_tensors as read_tensors
