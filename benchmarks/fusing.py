"""Speed of nets that only answer, with batch normalization folded into convolutions, against the same nets as they are.

    uv run python benchmarks/fusing.py

Both nets take turns, one batch each, in one process of one thread; the ratio is that of neighbors, its median and the
range of the middle half are told. Random pictures, channels last, in inference mode. The last column is how far the
logits are apart, as a share of their deviation.
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import Tensor, nn

from trainwright.models import build_model, fuse
from trainwright.recipe import MachineSection, ModelSection
from trainwright.training import Machine, decide_machine, open_machine

ROUNDS = 25
NETS = (
    (ModelSection(name="small-resnet", width=32, depth=2), 28, 1),
    (ModelSection(name="plain", width=64, depth=2), 28, 1),
    (ModelSection(name="resnet18"), 128, 3),
    (ModelSection(name="regnetx_002"), 128, 3),
    (ModelSection(name="mobilenetv3_small_100"), 128, 3),
)


def stirred(section: ModelSection, channels: int, img_size: int) -> nn.Module:
    """Builds a net whose normalizations have seen a batch."""
    model = build_model(section, classes=10, channels=channels, img_size=img_size)
    with torch.no_grad():
        model(torch.randn(16, channels, img_size, img_size))
    return model.eval()


def seconds(model: nn.Module, images_NCHW: Tensor, machine: Machine) -> float:
    began = time.perf_counter()
    with machine.autocast():
        model(images_NCHW)
    return time.perf_counter() - began


def main() -> None:
    print("| net | pixels | pictures | numbers | ms | ms folded | times as fast | logits apart |")
    print("|---|---|---|---|---|---|---|---|")
    for section, img_size, channels in NETS:
        torch.manual_seed(0)
        model = stirred(section, channels, img_size)
        folded = fuse(model, channels=channels, img_size=img_size)
        for precision in ("float32", "bfloat16"):
            settings = MachineSection(precision=precision, device="cpu", threads=1)
            machine = open_machine(decide_machine(settings, img_size=img_size))
            both = machine.place(model), machine.place(folded)
            for pictures in (1, 64):
                images_NCHW = torch.randn(pictures, channels, img_size, img_size)
                images_NCHW = images_NCHW.to(memory_format=torch.channels_last)
                with torch.inference_mode():
                    with machine.autocast():
                        before_NK, after_NK = (net(images_NCHW).float() for net in both)
                    pairs = [tuple(seconds(net, images_NCHW, machine) for net in both) for _ in range(ROUNDS)]
                ratios = sorted(whole / quick for whole, quick in pairs)
                low, _, high = statistics.quantiles(ratios, n=4)
                whole, quick = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
                apart = ((after_NK - before_NK).abs().max() / before_NK.std()).item()
                print(
                    f"| {section.name} | {img_size} | {pictures} | {precision} | {whole:.1f} | {quick:.1f} | "
                    f"{statistics.median(ratios):.2f} ({low:.2f}-{high:.2f}) | {apart:.0e} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
