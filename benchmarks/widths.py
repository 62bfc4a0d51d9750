"""Milliseconds a training step of small residual nets of several widths, taking turns in one process.

    python benchmarks/widths.py

A step is forward, backward and SGD on 128 gray pictures of 28×28, bfloat16 where the CPU has it, as training makes it;
augmentation, reading and the average of weights are left out. The nets take turns of ten steps.
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

from trainwright.models.small_resnet import SmallResNet
from trainwright.recipe import MachineSection
from trainwright.training import decide_machine, open_machine

WIDTHS = ((64, 128, 256), (32, 96, 256), (32, 64, 256), (32, 96, 192), (32, 64, 192), (32, 64, 128))
BATCH, ROUNDS, STEPS = 128, 12, 10


def net(widths: tuple[int, ...]) -> nn.Module:
    """Builds a small residual net with a narrow block of 16 channels and these stages, 2, 2 and 1 blocks deep."""
    import trainwright.models.small_resnet as module

    ours = module.stage_widths, module.entry_width
    module.stage_widths, module.entry_width = lambda *_: widths, lambda *_: 16
    try:
        return SmallResNet(classes=10, channels=1, img_size=28, width=widths[0], depth=2)
    finally:
        module.stage_widths, module.entry_width = ours


def main() -> None:
    machine = open_machine(decide_machine(MachineSection(), img_size=28))
    nets = {widths: machine.place(net(widths)) for widths in WIDTHS}
    optimizers = {widths: torch.optim.SGD(model.parameters(), 0.01, 0.9) for widths, model in nets.items()}
    images_NCHW, labels_N = torch.randn(BATCH, 1, 28, 28), torch.randint(10, (BATCH,))
    images_NCHW = images_NCHW.to(memory_format=torch.channels_last)
    times: dict[tuple[int, ...], list[float]] = {widths: [] for widths in WIDTHS}
    for _ in range(ROUNDS):
        for widths, model in nets.items():
            for _ in range(STEPS):
                began = time.perf_counter()
                optimizers[widths].zero_grad(set_to_none=True)
                with machine.autocast():
                    logits_NK = model(images_NCHW)
                nn.functional.cross_entropy(logits_NK.float(), labels_N).backward()
                optimizers[widths].step()
                times[widths].append(time.perf_counter() - began)
    for widths, seconds in times.items():
        parameters = sum(parameter.numel() for parameter in nets[widths].parameters())
        print(f"{widths}: {parameters:,} parameters, {1000 * statistics.median(seconds):.1f} ms")


if __name__ == "__main__":
    main()
