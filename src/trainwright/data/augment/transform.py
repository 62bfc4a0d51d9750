"""A transform of one's own, or one of torchvision's automatic policies, in front of the tricks of this room.

It sees one picture at a time, because its random numbers must belong to the picture and not to the batch: torch's
generator is seeded for each from (seed, epoch, sample), and put back afterwards. That is slow beside the fused tricks
(benchmarks/augment_against.py has torchvision's speed).

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainwright.errors import InputError

from .randomness import words

KEY = "augment.transform"

Transform = Callable[[Tensor], Any]


def load_transform(name: str) -> Transform | None:
    """Finds what `augment.transform` names.

    Args:
        name: none, randaugment, trivialaugment, or the dotted path of a callable; a class is called without arguments
            first. Modules beside the current folder are found too.

    Raises:
        InputError: no such module or name in it, or it is not callable.
    """
    if name == "none":
        return None
    if name in AUTOMATIC:
        return AUTOMATIC[name]()
    module_name, _, attribute = name.rpartition(".")
    if not module_name or not attribute:
        raise InputError(
            "augment.transform is no dotted path",
            expected=f"none, {', '.join(AUTOMATIC)}, or module.name",
            got=name,
            where=KEY,
        )
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(module_name), attribute)
        transform = found() if isinstance(found, type) else found
    except Exception as error:
        # A module may fail in any way while it is loaded.
        raise InputError(
            "augment.transform cannot be loaded",
            expected="the dotted path of a function, or of a class that needs no arguments",
            got=f"{name}: {type(error).__name__}: {error}",
            where=KEY,
        ) from error
    finally:
        if added:
            sys.path.remove(here)
    if not callable(transform):
        raise InputError(
            "augment.transform is not callable",
            expected="a function, or a class with __call__",
            got=f"{name}, {type(transform).__name__}",
            where=KEY,
        )
    return transform


def transform_fingerprint(name: str) -> str | None:
    """Computes the SHA-256 of the file in which a transform of one's own is written; a resume compares it.

    Args:
        name: as in `load_transform`; it has been loaded before.

    Returns: None for none, for torchvision's policies, and for what was not read from a file.
    """
    if name == "none" or name in AUTOMATIC:
        return None
    file = getattr(sys.modules[name.rpartition(".")[0]], "__file__", None)
    return None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()


def transform_pictures(
    transform: Transform, name: str, images_NCHW: Tensor, samples_N: Tensor, *, seed: int, epoch: int
) -> Tensor:
    """Runs a transform over each picture by itself.

    Args:
        transform: takes and gives uint8 C H W, and draws from torch's generator.
        name: what the recipe calls it, for messages.
        images_NCHW: uint8, on any device; the transform sees them on the CPU, where others' code works.
        samples_N: stable sample ids, int64.

    Returns: uint8 N C H W, new memory, on the device of the pictures.

    Raises:
        InputError: it failed, or another shape or type came back, or numbers that are none; names the picture's
            sample id.
    """
    seeds_N = words(seed, epoch, samples_N, {"transform": 1})["transform"][:, 0].tolist()
    altered: list[Tensor] = []
    generator = torch.default_generator
    before = generator.get_state()
    # The generator of the CPU only: torch.manual_seed would reset those of devices, too, from which dropout draws.
    try:
        for image_CHW, own_seed, sample in zip(images_NCHW.cpu(), seeds_N, samples_N.tolist(), strict=True):
            generator.manual_seed(own_seed)
            place = f"{KEY}, sample {sample} in epoch {epoch}"
            try:
                result = transform(image_CHW.clone())
            except Exception as error:
                # Whatever it is, it is not ours: the user should read what failed on which picture.
                raise InputError(f"{name} failed", got=f"{type(error).__name__}: {error}", where=place) from error
            altered.append(_checked(result, name, image_CHW, place))
    finally:
        generator.set_state(before)
    return torch.stack(altered).to(images_NCHW.device)


def _checked(result: object, name: str, image_CHW: Tensor, place: str) -> Tensor:
    if isinstance(result, Tensor) and result.shape == image_CHW.shape and result.dtype == torch.uint8:
        return result
    if not isinstance(result, Tensor):
        got = type(result).__name__
    else:
        got = f"{tuple(result.shape)} of {str(result.dtype).removeprefix('torch.')}"
        if result.is_floating_point() and result.isnan().any():
            got += " with NaN"
    raise InputError(
        f"{name} returned something else than a picture",
        expected=f"a tensor {tuple(image_CHW.shape)} of uint8, as it was given",
        got=got,
        where=place,
    )


def _randaugment() -> Transform:
    from torchvision.transforms import v2

    return v2.RandAugment()


def _trivialaugment() -> Transform:
    from torchvision.transforms import v2

    return v2.TrivialAugmentWide()


AUTOMATIC: dict[str, Callable[[], Transform]] = {"randaugment": _randaugment, "trivialaugment": _trivialaugment}
"""The automatic policies of torchvision by name: Cubuk et al. 2020; Müller & Hutter 2021."""
