"""The machine that computes: device, threads, number format, memory layout."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from trainwright.errors import InputError, did_you_mean
from trainwright.recipe import Choice, MachineSection, Task, decided

from .distributed import ALONE, Ranks

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Every value of `machine.precision` but auto, and torch's name of it."""

SMALL_WORK = 16
"""Side of pictures, in pixels, up to which one thread trains our nets as fast as two, and steadily so: on a machine
with other work, two that wait for each other after every small operation were thirty times slower on the digits."""


@dataclass(frozen=True)
class Machine:
    """A decided machine section, in torch's terms."""

    device: torch.device
    dtype: torch.dtype
    channels_last: bool

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Opens a region in which convolutions and matrix products compute in `dtype`."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def place(self, model: nn.Module) -> nn.Module:
        """Moves a model to the device, its filters in the machine's memory layout."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return model.to(device=self.device).to(memory_format=layout)  # pyright: ignore[reportCallIssue]


def choose_workers(section: MachineSection) -> list[Choice]:
    """Decides `machine.workers`, which is needed before anything else is known."""
    reason = "one for each core that this process may use"
    return [Choice("machine.workers", cores(), reason)] if section.workers == "auto" else []


def choose_device(section: MachineSection) -> list[Choice]:
    """Decides `machine.device`, which a run is refused by before pictures are read."""
    return [Choice("machine.device", *_best_device())] if section.device == "auto" else []


FINE: tuple[Task, ...] = ("regression", "ranking")
"""Tasks whose answers are numbers to be told finely, which 8 bits of bfloat16 would round to 3 digits."""


def choose_machine(section: MachineSection, *, img_size: int, task: Task = "classification") -> list[Choice]:
    """Decides what `auto` means on this machine, with the reason.

    Args:
        section: may hold `auto`.
        img_size: side of the pictures, pixels; decides whether a batch is worth sharing among threads.
        task: what is learned.
    """
    choices = choose_device(section)
    kind = open_device(choices[0].value if choices else section.device).type
    if section.threads == "auto" and img_size <= SMALL_WORK:
        reason = f"pictures of {img_size} pixels are too little work to share; threads would wait for each other"
        choices.append(Choice("machine.threads", 1, reason))
    elif section.threads == "auto":
        asked = os.environ.get("OMP_NUM_THREADS", "")
        if asked.isdecimal() and int(asked) > 0:
            choices.append(Choice("machine.threads", int(asked), "OMP_NUM_THREADS says so"))
        else:
            choices.append(Choice("machine.threads", cores(), "one for each core that this process may use"))
    if section.precision == "auto" and task in FINE:
        choices.append(Choice("machine.precision", "float32", f"bfloat16 would round what {task} tells to 3 digits"))
    elif section.precision == "auto":
        choices.append(Choice("machine.precision", *_best_precision(kind)))
    if section.channels_last == "auto":
        works = kind in ("cpu", "cuda")
        reason = f"convolutions on {kind} are faster in this layout" if works else f"not proven on {kind}"
        choices.append(Choice("machine.channels_last", works, reason))
    return choices


def decide_machine(section: MachineSection, *, img_size: int) -> MachineSection:
    """Replaces every `auto` that `choose_machine` decides, for those who have no whole recipe."""
    choices = choose_machine(section, img_size=img_size)
    return section.model_copy(update={choice.key.removeprefix("machine."): choice.value for choice in choices})


def open_machine(section: MachineSection, ranks: Ranks = ALONE) -> Machine:
    """Turns a decided section into torch's terms and sets the number of threads of this process.

    Of several ranks on GPUs each takes the one with its own number on its machine.

    Raises:
        InputError: no such device here, or one that cannot do what is asked.
    """
    torch.set_num_threads(decided(section.threads))
    device = open_device(section.device if ranks.alone else device_of_rank(section.device, ranks))
    if device.type == "cuda" and not ranks.alone:
        torch.cuda.set_device(device)
    if section.precision == "float16" and device.type != "cuda":
        raise InputError(
            "float16 needs a CUDA device",
            got=f"device {device}",
            where="machine.precision",
            hint="bfloat16 or float32",
        )
    return Machine(device, DTYPES[section.precision], decided(section.channels_last))


def device_of_rank(name: str, ranks: Ranks) -> str:
    """Gives the device of one of several ranks.

    Raises:
        InputError: one GPU is named for all, or a kind that ranks cannot exchange numbers on.

    >>> device_of_rank("cuda", Ranks(rank=5, world=8, local_rank=1))
    'cuda:1'
    """
    if name == "mps" or ":" in name:
        raise InputError(
            f"{ranks.world} ranks cannot train on {name}",
            expected="cuda, where each rank takes the GPU of its own number, or cpu",
            got=name,
            where="machine.device",
            hint="--device cuda with as many ranks as GPUs, CUDA_VISIBLE_DEVICES to choose among them",
        )
    return f"cuda:{ranks.local_rank}" if name == "cuda" else name


def open_device(name: str) -> torch.device:
    """Gives the device of a name, if this machine has it.

    Raises:
        InputError: no such kind of device, or none here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(
            "no such device",
            got=name,
            where="machine.device",
            hint=did_you_mean(name, _available()),
        ) from None
    if device.type not in _available() or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise InputError(
            "this machine does not have that device",
            expected=", ".join(_available()),
            got=name,
            where="machine.device",
            hint="auto picks the first that works",
        )
    return device


def cores() -> int:
    """Counts the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _available() -> list[str]:
    checks: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    return [name for name, check in checks.items() if check()]


def _best_device() -> tuple[str, str]:
    device = _available()[0]
    reasons = {
        "cuda": "a CUDA device is here",
        "mps": "no CUDA, but Apple's GPU is here",
        "cpu": "no GPU that torch can use",
    }
    return device, reasons[device]


def _best_precision(kind: str) -> tuple[str, str]:
    if kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bfloat16", "this GPU computes bfloat16 in hardware"
    if kind == "cpu" and torch.cpu._is_amx_tile_supported():
        return "bfloat16", "this CPU multiplies bfloat16 matrices in hardware (AMX)"
    return "float32", f"no fast bfloat16 on this {kind}"
