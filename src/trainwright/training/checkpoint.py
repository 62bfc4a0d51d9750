"""Checkpoints: written whole or not at all, verified before they are believed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from trainwright.errors import InputError
from trainwright.runs import write_failure

FORMAT = 3
"""Counted up whenever older versions could not read what is written, or the same recipe builds another net."""
WEIGHTS, STATE, MANIFEST = "model.safetensors", "state.pt", "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint.

    Attributes:
        path: its folder.
        weights: the model's tensors by name.
        state: tensors and plain values that training needs to go on; empty in a result.
        meta: plain values that describe the model, as they were saved.
    """

    path: Path
    weights: dict[str, Tensor]
    state: dict[str, Any]
    meta: dict[str, Any]


def save_checkpoint(
    folder: Path, weights: Mapping[str, Tensor], state: Mapping[str, Any], meta: Mapping[str, Any]
) -> None:
    """Writes a checkpoint so that at every instant a whole one can be found.

    The new one is written beside the old, flushed to disk, and takes its name; the old one stays as
    `<name>.previous` until the next.

    Args:
        folder: `checkpoints/last` or `checkpoints/best` of a run.
        weights: the model's state dict.
        state: tensors, numbers, strings, lists and dicts only, so that it loads without unpickling objects.
        meta: JSON values.

    Raises:
        WriteFailed: the disk is full or refuses; the checkpoint before stays.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    contents = {WEIGHTS: safetensors.torch.save(contiguous), STATE: buffer.getvalue()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = {"format": FORMAT, "sha256": sums, "meta": dict(meta)}
    contents[MANIFEST] = json.dumps({**manifest, "manifest_sha256": _sum_of(manifest)}, indent=1).encode()

    fresh, previous = _beside(folder, "new"), _beside(folder, "previous")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name, content in contents.items():
            (fresh / name).write_bytes(content)
            _flush(fresh / name)
        _flush(fresh)
        if folder.exists():
            shutil.rmtree(previous, ignore_errors=True)
            folder.rename(previous)
        fresh.rename(folder)
        _flush(folder.parent)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise write_failure(folder, error) from error


def load_checkpoint(folder: Path) -> Checkpoint:
    """Reads one checkpoint and verifies every byte of it.

    Raises:
        InputError: it is missing, incomplete, damaged, from a newer version, or holds objects instead of tensors.
    """
    if not folder.is_dir():
        raise InputError("no checkpoint here", where=str(folder))
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        sums: dict[str, str] = manifest["sha256"]
        version = manifest["format"]
        meta: dict[str, Any] = manifest["meta"]
        own_sum = manifest.pop("manifest_sha256", None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("the checkpoint's manifest cannot be read", got=repr(error), where=str(folder)) from None
    if version != FORMAT:
        raise InputError(
            "the checkpoint was written by another version of trainwright",
            expected=f"format {FORMAT}",
            got=f"format {version}",
            where=str(folder),
        )
    if _sum_of(manifest) != own_sum:
        raise InputError("the checkpoint is damaged", got="another checksum", where=str(folder / MANIFEST))
    for name in (WEIGHTS, STATE):
        if not (folder / name).is_file():
            raise InputError("the checkpoint is incomplete", got=f"{name} is missing", where=str(folder))
        found = _sha256(folder / name)
        if found != sums.get(name):
            raise InputError(
                "the checkpoint is damaged",
                expected=f"sha256 {str(sums.get(name))[:16]}…",
                got=f"sha256 {found[:16]}…",
                where=str(folder / name),
            )
    try:
        weights = safetensors.torch.load_file(folder / WEIGHTS)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch only warns of some files that it did not write
            state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, safetensors.SafetensorError, RuntimeError, EOFError, UserWarning) as error:
        raise InputError(
            "the checkpoint holds something else than tensors and plain values; nothing in it was executed",
            got=str(error).strip().splitlines()[0],
            where=str(folder),
            hint="use only checkpoints that trainwright wrote",
        ) from None
    return Checkpoint(folder, weights, state, meta)


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Finds the newest whole checkpoint of a name: the folder itself, then one just written, then the one before.

    Returns: the checkpoint, or None where there is none at all, and a sentence for each that was passed over.

    Raises:
        InputError: there are some, and all are damaged.
    """
    complaints: list[str] = []
    candidates = [path for path in (folder, _beside(folder, "new"), _beside(folder, "previous")) if path.is_dir()]
    for path in candidates:
        try:
            return load_checkpoint(path), complaints
        except InputError as error:
            unfinished = path == _beside(folder, "new")
            if not unfinished:
                detail = f"{error.got}; {error.where}" if error.got else str(error.where)
                complaints.append(f"{error.problem} ({detail}); going back to the one before")
    if complaints:
        raise InputError(
            f"every checkpoint named {folder.name} is damaged",
            got="; ".join(complaints),
            where=str(folder.parent),
            hint="train again under another --name",
        )
    return None, complaints


def _beside(folder: Path, word: str) -> Path:
    return folder.with_name(f"{folder.name}.{word}")


def _sum_of(manifest: Mapping[str, Any]) -> str:
    """Computes the SHA-256 of JSON values in one canonical form."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
