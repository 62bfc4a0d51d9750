"""Where and in which numbers it is computed."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting


class MachineSection(Section):
    """The section `machine`."""

    device: str = setting(
        "auto",
        "`cpu`, `cuda`, `cuda:1`, `mps`. `auto`: the first of cuda, mps, cpu that works.",
        source="torch",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$",
        examples=("auto", "cpu", "cuda", "cuda:1", "mps"),
        also_called={"cuda": ("gpu", "nvidia"), "mps": ("metal", "apple")},
    )
    workers: int | Auto = setting(
        "auto",
        "Threads that decode pictures while the cache is built; 0: none but the main one. `auto`: one a core.",
        unit="threads",
        source="own choice",
        ge=0,
        le=1024,
    )
    threads: int | Auto = setting(
        "auto",
        "Threads that compute on a CPU. Results are equal bit for bit only for the same number. `auto`: one a core; "
        "1 for pictures up to 16 pixels, which are too little work to share.",
        unit="threads",
        source="own choice",
        ge=1,
        le=1024,
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "auto",
        "Number format of convolutions and matrix products; weights stay `float32`. `auto`: `bfloat16` where the "
        "device computes it in hardware, else `float32`. `float16` needs a CUDA device and scales the loss.",
        source="Micikevicius et al. 2018",
        also_called={"float32": ("fp32", "single"), "bfloat16": ("bf16",), "float16": ("fp16", "half")},
    )
    channels_last: bool | Auto = setting(
        "auto",
        "Memory layout N H W C of pictures and feature maps. `auto`: on for cpu and cuda.",
        source="PyTorch, channels last memory format",
    )
    compile: bool = setting(
        False,
        "Compile the net with torch.compile, and on a GPU the augmentation, too (a CPU has its own kernel). Costs a "
        "minute at the start.",
        source="PyTorch 2",
    )
