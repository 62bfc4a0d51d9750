"""`trainwright doctor`: what this machine has, and what is missing."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import torch

from trainwright.data import find_fashion_mnist
from trainwright.recipe import MachineSection
from trainwright.runs import environment
from trainwright.training import choose_machine, choose_workers

EXTRAS = {
    "pyarrow": "Parquet manifests: pip install 'trainwright[parquet]'",
    "tensorboard": "TensorBoard files: pip install 'trainwright[tensorboard]'",
}


def examine() -> dict[str, str]:
    """Lists versions, hardware, what `auto` would choose, and what could be installed, as text by name."""
    rows = {name: str(value) for name, value in environment().items() if not isinstance(value, dict | list)}
    rows["devices"] = ", ".join(["cpu", *(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))])
    for choice in [*choose_workers(MachineSection()), *choose_machine(MachineSection(), img_size=32)]:
        rows[choice.key] = f"{choice.value}: {choice.reason}"
    for package, use in EXTRAS.items():
        rows[package] = "installed" if importlib.util.find_spec(package) else f"missing; {use}"
    found = find_fashion_mnist()
    rows["fashion-mnist"] = str(found[0].parent) if found else "not here; apt install dataset-fashion-mnist"
    rows["free disk here"] = f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB"
    return rows
