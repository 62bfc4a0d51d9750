"""Pretrained weights of timm models: found in the cache, or fetched from the hub.

The hub's own client asks a dozen times over most of a minute when there is no network. Here it is asked once, briefly.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from trainwright.errors import InputError

from .timm_models import check_timm_name

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

PROBE_TIMEOUT_S = 5.0
"""Seconds that the hub has to answer at all."""

HUB_FILES = ("model.safetensors", "pytorch_model.bin")
"""Names under which a repository keeps the weights, the safe form first."""


def find_pretrained(name: str) -> Path:
    """Finds the file of a timm model's pretrained weights, and downloads it where no cache has it.

    Args:
        name: timm's name; without a tag, timm's first choice of weights.

    Returns:
        The path of the file in the cache.

    Raises:
        InputError: no such model; timm lists no weights for it; the hub cannot be reached or does not give the file.
    """
    check_timm_name(name)
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    if config is None or not (config.hf_hub_id or config.url):
        raise InputError(
            f"timm has no pretrained weights for the model '{name}'",
            expected="a model with weights, 'none', or the path of a file of weights",
            got="'pretrained'",
            where="model.weights",
            hint="python -c 'import timm; print(*timm.list_pretrained(), sep=\"\\n\")' prints all that have some",
        )
    return _from_hub(name, config) if config.hf_hub_id else _from_address(name, str(config.url))


def _from_hub(name: str, config: PretrainedCfg) -> Path:
    from huggingface_hub import constants, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    from huggingface_hub.utils import get_session

    repository, _, revision = str(config.hf_hub_id).partition("@")
    revision = revision or None
    files = (config.hf_hub_filename,) if config.hf_hub_filename else HUB_FILES
    for file in files:
        cached = try_to_load_from_cache(repository, file, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
    address = hf_hub_url(repository, files[0], revision=revision)
    try:
        get_session().head(constants.ENDPOINT, timeout=PROBE_TIMEOUT_S)
        for file in files:
            try:
                return Path(hf_hub_download(repository, file, revision=revision))
            except LocalEntryNotFoundError:
                raise
            except EntryNotFoundError:
                continue
    except Exception as error:  # the client's HTTP library, and so the kind of its errors, differs between versions
        raise _unreachable(name, address, Path(constants.HF_HUB_CACHE), "HF_HOME", error) from error
    raise _unreachable(name, address, Path(constants.HF_HUB_CACHE), "HF_HOME", FileNotFoundError("no such file there"))


def _from_address(name: str, address: str) -> Path:
    from urllib.request import Request, urlopen

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / address.rpartition("/")[2]
    if path.is_file():
        return path
    try:
        urlopen(Request(address, method="HEAD"), timeout=PROBE_TIMEOUT_S).close()
        folder.mkdir(parents=True, exist_ok=True)
        checksum = re.search(r"-([0-9a-f]{8,})\.", path.name)
        torch.hub.download_url_to_file(address, str(path), checksum and checksum.group(1), progress=False)
    except (OSError, RuntimeError) as error:
        raise _unreachable(name, address, folder, "TORCH_HOME", error) from error
    return path


def _unreachable(name: str, address: str, cache: Path, variable: str, error: Exception) -> InputError:
    lines = str(error).splitlines()
    return InputError(
        f"the pretrained weights of '{name}' are not on this machine and cannot be downloaded",
        expected=f"the file in the cache {cache}, or a connection to {address}",
        got=lines[0] if lines else type(error).__name__,
        where="model.weights",
        hint=(
            "download that address on a machine with a connection and give the file: --weights FILE; "
            f"or copy its whole cache here and name the place in {variable}"
            + ("; or name a mirror in HF_ENDPOINT" if variable == "HF_HOME" else "")
            + "; or train from random weights: --weights none"
        ),
    )
