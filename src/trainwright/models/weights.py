"""Weights from a file into a net, with an account of every tensor."""

from __future__ import annotations

import pickle
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from trainwright.errors import InputError, some_of

from .heads import head_names

LEAST_SHARE = 0.9
"""Share of the net's tensors, head left out, that a file must fill; below it, the file is of another model."""

CONTAINERS = ("state_dict", "model", "model_state_dict")
"""Keys under which training programs keep the weights in a larger file."""

PREFIXES = ("module.", "_orig_mod.")
"""What DistributedDataParallel and torch.compile put in front of every name."""


@dataclass(frozen=True)
class WeightReport:
    """What became of every tensor of the file and of the net.

    Attributes:
        loaded: names of the net's tensors that now hold the file's values.
        adapted: those of them that were first fitted to another number of channels.
        skipped: name → reason, for the file's tensors that went nowhere.
        missing: names of the net's tensors that keep their random start.
        head_replaced: whether the head is new because the file's has other classes, or none.
    """

    loaded: tuple[str, ...]
    adapted: tuple[str, ...]
    skipped: Mapping[str, str]
    missing: tuple[str, ...]
    head_replaced: bool

    def summary(self) -> str:
        """Says it in one sentence; names stand in the fields."""
        parts = [f"{len(self.loaded)} tensors loaded"]
        if self.adapted:
            parts.append(f"{', '.join(self.adapted)} fitted to the number of channels")
        if self.head_replaced:
            parts.append("a new head for these classes")
        if self.missing:
            parts.append(f"{len(self.missing)} not in the file or not fitting ({some_of(self.missing)})")
        if self.skipped:
            parts.append(f"{len(self.skipped)} of the file not used ({some_of(tuple(self.skipped))})")
        return "; ".join(parts)


def load_weights(model: nn.Module, file: str | Path) -> WeightReport:
    """Copies the tensors of a file into a net, matched by name and shape.

    A head with another number of classes stays as it is, and a timm model's first layer is fitted to the number of
    channels by timm's own rule.

    Args:
        model: one of our own nets, or a timm model.
        file: a `.safetensors` file, or what `torch.save` wrote of a dictionary of tensors.

    Raises:
        InputError: no such file; not a file of tensors; tensors of another model.
    """
    tensors = read_tensors(file)
    heads = tuple(f"{name}." for name in head_names(model))
    tensors = _as_timm_names_them(model, tensors)
    tensors, adapted = _fit_channels(model, tensors)
    wanted = model.state_dict()
    loaded, skipped = {}, {}
    for name, tensor in tensors.items():
        if name not in wanted:
            skipped[name] = "the model has no tensor of this name"
        elif tensor.shape != wanted[name].shape:
            skipped[name] = f"shape {tuple(tensor.shape)}, but the model's is {tuple(wanted[name].shape)}"
        else:
            loaded[name] = tensor
    # Counters of batches seen are left out of old files and do not change what a net computes in evaluation.
    missing = [name for name in wanted if name not in loaded and not name.endswith("num_batches_tracked")]
    body = [name for name in wanted if not name.startswith(heads) and not name.endswith("num_batches_tracked")]
    lost = [name for name in body if name not in loaded]
    if len(lost) > (1 - LEAST_SHARE) * len(body):
        raise _other_model(file, lost, len(body), skipped)
    model.load_state_dict(loaded, strict=False)
    return WeightReport(
        loaded=tuple(loaded),
        adapted=tuple(name for name in adapted if name in loaded),
        skipped={name: reason for name, reason in skipped.items() if not name.startswith(heads)},
        missing=tuple(name for name in missing if not name.startswith(heads)),
        head_replaced=any(name.startswith(heads) for name in missing),
    )


def read_tensors(file: str | Path) -> dict[str, Tensor]:
    """Reads a file of named tensors onto the CPU; nothing in the file can run as code.

    Raises:
        InputError: no such file; damaged; holds anything but plain data; holds no tensors.
    """
    path = Path(file)
    if not path.is_file():
        raise InputError(
            "there is no such file of weights",
            expected="'none', 'pretrained', or the path of a .safetensors or .pt file",
            got=f"'{file}'{' (a folder)' if path.is_dir() else ''}",
            where="model.weights",
            hint="a run of ours keeps its weights in checkpoints/best/model.safetensors",
        )
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for key in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = {
        _without_prefix(name): value
        for name, value in (content.items() if isinstance(content, Mapping) else ())
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    if not tensors:
        raise InputError(
            "the file holds no weights",
            expected="a dictionary from names to tensors",
            got=f"{type(content).__name__} in '{file}'",
            where="model.weights",
        )
    return tensors


def _read_safetensors(path: Path) -> object:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, "a safetensors file", error) from error


def _read_torch(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            # An odd pickle protocol earns a warning just before it is refused; one message is enough.
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        culprit = re.search(r"GLOBAL (\S+)", str(error))
        raise InputError(
            "the file of weights holds more than plain tensors; it was refused and nothing in it was executed",
            expected="a .safetensors file, or a dictionary of tensors that torch.save wrote",
            got=f"'{path}'" + (f", which asks for {culprit.group(1)}" if culprit else ""),
            where="model.weights",
            hint="save the state_dict() of the model, best as .safetensors",
        ) from error
    except (RuntimeError, EOFError, ValueError, LookupError, OSError) as error:
        raise _damaged(path, "a file that torch.save wrote", error) from error


def _damaged(path: Path, expected: str, error: Exception) -> InputError:
    lines = str(error).splitlines()
    return InputError(
        "the file of weights cannot be read",
        expected=expected,
        got=f"'{path}' ({lines[0] if lines else type(error).__name__})",
        where="model.weights",
        hint="copy or download it again",
    )


def _other_model(file: str | Path, lost: Sequence[str], of: int, skipped: Mapping[str, str]) -> InputError:
    reshaped = [f"{name}: {skipped[name]}" for name in lost if name in skipped]
    detail = reshaped[0] if reshaped else f"not in the file: {some_of(lost)}"
    return InputError(
        "the file of weights is of another model",
        expected=f"at least {LEAST_SHARE:.0%} of the model's tensors, head left out, by name and shape",
        got=f"{of - len(lost)} of {of} tensors matched in '{file}'; {detail}",
        where="model.weights",
        hint="the model, its width and its depth must be those that the weights were trained with",
    )


def _as_timm_names_them(model: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Applies the translation that timm keeps beside many of its models for foreign names and other picture sizes."""
    translate = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if translate is None or not hasattr(model, "pretrained_cfg"):
        return tensors
    try:
        return translate(dict(tensors), model)
    except (LookupError, RuntimeError, ValueError, TypeError, AttributeError, AssertionError):
        # Made for files of this model only. What it stumbles over is counted by name and shape and refused with that.
        return tensors


def _fit_channels(model: nn.Module, tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Fits the first layer of a file for pictures with other channels: summed for gray, repeated and scaled else."""
    config = getattr(model, "pretrained_cfg", None)
    first = None if config is None else config.get("first_conv")
    if first is None:
        return tensors, []
    from timm.models import adapt_input_conv

    adapted = []
    wanted = model.state_dict()
    for layer in (first,) if isinstance(first, str) else first:
        name = f"{layer}.weight"
        if name not in tensors or name not in wanted or tensors[name].ndim != 4:
            continue
        channels, base = wanted[name].shape[1], tensors[name].shape[1]
        if channels != base:
            tensors = {**tensors, name: adapt_input_conv(channels, tensors[name], base_chans=base)}
            adapted.append(name)
    return tensors, adapted


def _without_prefix(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
