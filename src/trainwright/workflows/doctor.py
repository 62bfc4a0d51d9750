"""`trainwright doctor`: what this machine has, and what is missing."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import torch

from trainwright.data import find_fashion_mnist
from trainwright.recipe import MachineSection
from trainwright.runs import environment
from trainwright.training import choose_machine, choose_workers

EXTRAS = {
    "pyarrow": "Parquet manifests: pip install 'trainwright[parquet]'",
    "tensorboard": "TensorBoard files: pip install 'trainwright[tensorboard]'",
}


def examine() -> dict[str, Any]:
    """Lists what a run's `environment.json` holds, devices, free disk, what `auto` would choose, and what is missing.

    Returns: plain data; `auto` has a value and a reason by recipe key, `missing` how to get what is not here, by name.
    """
    choices = [*choose_workers(MachineSection()), *choose_machine(MachineSection(), img_size=32)]
    missing = {package: use for package, use in EXTRAS.items() if importlib.util.find_spec(package) is None}
    found = find_fashion_mnist()
    if found is None:
        missing["fashion-mnist"] = "apt install dataset-fashion-mnist, or it is downloaded when it is asked for"
    return {
        **environment(),
        "devices": ["cpu", *(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))],
        "free_disk_gib": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "fashion_mnist": None if found is None else str(found[0].parent),
        "auto": {choice.key: {"value": choice.value, "reason": choice.reason} for choice in choices},
        "missing": missing,
    }
