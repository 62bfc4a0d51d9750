"""Draws docs/pictures/regularization.svg: the weights of one net after training, by what held them.

    uv run python benchmarks/draw/regularization.py

Four runs of `trainwright train digits --model plain --epochs 15 --set training.ema=0`, with the settings that the
picture names; the histograms are of all filters and of the head, as they lie in `checkpoints/best`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from paper import EDGE, bars, write_picture
from safetensors.torch import load_file
from torch import Tensor

import trainwright as tw

SHOWN = {
    "nothing": ("optim.weight_decay=0",),
    "L2": ("regularization.l2=0.003",),
    "L1, decoupled": ("regularization.l1=0.01", "regularization.decoupled=true"),
    "max-norm": ("optim.weight_decay=0", "regularization.max_norm=0.7"),
}
WIDTH, HEIGHT, HEAD, FOOT, BINS, REACH = 200, 110, 48, 52, 61, 0.4


def train(folder: Path, name: str, settings: tuple[str, ...]) -> tuple[Tensor, Tensor, float]:
    """Runs the command; gives all weights, the norms of units, and the test accuracy."""
    command = [sys.executable, "-m", "trainwright", "train", "digits", "--model=plain", "--epochs=15"]
    command.append("--set=training.ema=0")
    words = [f"--set={word}" for word in settings]
    subprocess.run([*command, f"--out={folder}", f"--name={name}", *words], check=True)
    run = tw.Run.open(folder / name)
    tensors = load_file(folder / name / "checkpoints" / "best" / "model.safetensors")
    weights = [tensor for tensor in tensors.values() if tensor.ndim > 1]
    norms = torch.cat([tensor.flatten(1).norm(dim=1) for tensor in weights])
    return torch.cat([tensor.flatten() for tensor in weights]), norms, run.metrics["test_accuracy"]


def main() -> None:
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for place, (name, settings) in enumerate(SHOWN.items()):
            weights, norms, accuracy = train(Path(folder), name.partition(",")[0], settings)
            x = EDGE + place * (WIDTH + EDGE)
            zeros = (weights == 0).float().mean().item()
            counts = torch.histc(weights[weights != 0], BINS, -REACH, REACH).tolist()
            lines = (
                f"{zeros:.0%} of the weights are 0",
                f"longest unit {norms.max().item():.2f}",
                f"test accuracy {accuracy:.1%}",
            )
            parts.append(f'<text class="heading" x="{x}" y="{EDGE + 12}">{name}</text>')
            for line, word in enumerate(settings):
                shown = word.partition(".")[2]
                parts.append(f'<text class="tick" x="{x}" y="{EDGE + 29 + 15 * line}">{shown}</text>')
            parts.append(
                f'<g transform="translate({x} {EDGE + HEAD})">{bars(counts, WIDTH, HEIGHT)}'
                f'<path class="base" d="M0 {HEIGHT}H{WIDTH}"/>'
                f'<text class="tick" y="{HEIGHT + 15}">−{REACH}</text>'
                f'<text class="tick" x="{WIDTH / 2}" y="{HEIGHT + 15}" text-anchor="middle">0</text>'
                f'<text class="tick" x="{WIDTH}" y="{HEIGHT + 15}" text-anchor="end">{REACH}</text>'
                f"</g>"
            )
            for line, word in enumerate(lines):
                y = EDGE + HEAD + HEIGHT + 38 + 16 * line
                parts.append(f'<text class="tick" x="{x}" y="{y}">{word}</text>')
            print(name, lines, f"{accuracy:.4f}", f"std {weights.std().item():.4f}")
    width, height = EDGE + len(SHOWN) * (WIDTH + EDGE), EDGE + HEAD + HEIGHT + FOOT + 2 * EDGE
    write_picture("regularization", width, height, "Histograms of weights under four regularizations", "".join(parts))


if __name__ == "__main__":
    main()
