"""trainwright trains convolutional image classifiers by the whole craft, and shows its evidence.

Comes in:   pictures, and what is wanted of them
Goes out:   a trained, tested, reported classifier
May import: nothing until a name is asked for, so that `import trainwright` costs nothing
Read next:  workflows/train.py
Example:    import trainwright as tw; run = tw.train("photos/", epochs=10); run.predict(["cat.png"])
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import InputError, Interrupted, TrainingError, TrainwrightError
    from .recipe import Recipe
    from .workflows.ablate import Ablation, ablate
    from .workflows.activations import Activations, activations
    from .workflows.check import Checks, check, check_loop
    from .workflows.diagnose import Diagnosed, diagnose
    from .workflows.lr_find import lr_find, lr_find_loop
    from .workflows.range_test import RangeTest
    from .workflows.run import Run
    from .workflows.search import SearchResult, search
    from .workflows.train import train
    from .workflows.watch import watch
    from .workflows.watch_lightning import LightningWatch
    from .workflows.watch_transformers import TransformersWatch
    from .workflows.watched_loop import Watch

__version__ = version("trainwright")

__all__ = [
    "Ablation",
    "Activations",
    "Checks",
    "Diagnosed",
    "InputError",
    "Interrupted",
    "LightningWatch",
    "RangeTest",
    "Recipe",
    "Run",
    "SearchResult",
    "TrainingError",
    "TrainwrightError",
    "TransformersWatch",
    "Watch",
    "__version__",
    "ablate",
    "activations",
    "check",
    "check_loop",
    "diagnose",
    "lr_find",
    "lr_find_loop",
    "search",
    "train",
    "watch",
]

_HOMES = {
    "Ablation": ".workflows.ablate",
    "Activations": ".workflows.activations",
    "Checks": ".workflows.check",
    "Diagnosed": ".workflows.diagnose",
    "InputError": ".errors",
    "Interrupted": ".errors",
    "LightningWatch": ".workflows.watch_lightning",
    "RangeTest": ".workflows.range_test",
    "Recipe": ".recipe",
    "Run": ".workflows.run",
    "SearchResult": ".workflows.search",
    "TrainingError": ".errors",
    "TrainwrightError": ".errors",
    "TransformersWatch": ".workflows.watch_transformers",
    "Watch": ".workflows.watched_loop",
    "ablate": ".workflows.ablate",
    "activations": ".workflows.activations",
    "check": ".workflows.check",
    "check_loop": ".workflows.check",
    "diagnose": ".workflows.diagnose",
    "lr_find": ".workflows.lr_find",
    "lr_find_loop": ".workflows.lr_find",
    "search": ".workflows.search",
    "train": ".workflows.train",
    "watch": ".workflows.watch",
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trainwright' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
