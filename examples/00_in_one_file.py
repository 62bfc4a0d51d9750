"""Training in one file: what `trainwright train` does between the prepared data and the trained net, read from top to
bottom in ten minutes. A test trains the library with the same recipe and finds the same losses, step by step.

    uv run python examples/00_in_one_file.py

Pictures, their split and their order come from `trainwright.data`; the net, the preprocessing, the loss, the optimizer,
the schedule and the loop stand here, in plain torch.

N pictures of a batch · C channels · H W pixels · F channels of a feature map · K classes
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.data import order, prepare
from trainwright.recipe import DataSection

SEED, EPOCHS, BATCH_SIZE, WIDTH = 0, 3, 32, 16
PEAK_RATE, MOMENTUM, WEIGHT_DECAY, SMOOTHING = 0.1, 0.9, 5e-4, 0.1
WARMUP, START_FACTOR, FINAL_FACTOR = 0.2, 0.04, 1e-4

RECIPE = [
    "model.name=plain",
    f"model.width={WIDTH}",
    "model.depth=1",
    f"training.epochs={EPOCHS}",
    "training.ema=0",
    f"optim.batch_size={BATCH_SIZE}",
    f"optim.lr={PEAK_RATE}",
    f"optim.weight_decay={WEIGHT_DECAY}",
    "augment.flip=0",
    "augment.crop_padding=0",
    "augment.cutout=0",
    "machine.precision=float32",
    "machine.channels_last=false",
    "machine.threads=1",
    "logging.step_every=1",
]
"""The same run as words after `trainwright train digits --set`."""


class Plain(nn.Module):
    """Two stages of 3×3 convolution, batch normalization and ReLU with pooling between, then a linear head."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            nn.Sequential(self.block(1, WIDTH), nn.MaxPool2d(2)),
            self.block(WIDTH, 2 * WIDTH),
        )
        self.head = nn.Linear(2 * WIDTH, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    @staticmethod
    def block(channels_in: int, channels_out: int) -> nn.Sequential:
        convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())

    def forward(self, images_NCHW: Tensor) -> Tensor:
        maps_NFHW = self.stages(images_NCHW)
        return self.head(maps_NFHW.mean((2, 3)))


def rate_of(step: int, total: int) -> float:
    """One-cycle: a cosine rise to the peak rate, then a cosine fall to nearly nothing."""
    rising = round(WARMUP * total)
    if step < rising:
        low, high, share = START_FACTOR, 1.0, step / rising
    else:
        low, high, share = 1.0, FINAL_FACTOR, (step - rising) / (total - 1 - rising)
    return PEAK_RATE * (high + (low - high) * (1 + math.cos(math.pi * share)) / 2)


def train() -> list[float]:
    """Trains a net on the digits and returns the loss of every step."""
    data = prepare(DataSection(source="digits"), seed=SEED)
    classes = len(data.classes)
    pictures_NCHW = data.train.images(torch.arange(len(data.train)))
    labels_N = data.train.labels_N

    torch.manual_seed(SEED)
    model = Plain(classes)
    pixels = pictures_NCHW.double() / 255
    mean, std = pixels.mean().item(), pixels.std().item()
    filters = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.SGD(
        [{"params": filters, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}],
        lr=PEAK_RATE,
        momentum=MOMENTUM,
        nesterov=True,
    )

    losses: list[float] = []
    steps_per_epoch = len(data.train) // BATCH_SIZE
    for epoch in range(1, EPOCHS + 1):
        rows = torch.from_numpy(order(SEED, epoch, len(data.train)))
        correct = 0
        for start in range(0, steps_per_epoch * BATCH_SIZE, BATCH_SIZE):
            for group in optimizer.param_groups:
                group["lr"] = rate_of(len(losses), EPOCHS * steps_per_epoch)
            batch = rows[start : start + BATCH_SIZE]
            images_NCHW = (pictures_NCHW[batch].float() / 255 - mean) / std
            logits_NK = model(images_NCHW)
            log_p_NK = logits_NK.log_softmax(dim=1)
            targets_NK = torch.full_like(log_p_NK, SMOOTHING / (classes - 1))
            targets_NK.scatter_(1, labels_N[batch, None], 1 - SMOOTHING)
            loss = -(targets_NK * log_p_NK).sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            correct += int((logits_NK.argmax(dim=1) == labels_N[batch]).sum())

        model.eval()
        with torch.inference_mode():
            valid_NCHW = (data.valid.images(torch.arange(len(data.valid))).float() / 255 - mean) / std
            logits_NK = model(valid_NCHW)
            valid_loss = F.cross_entropy(logits_NK, data.valid.labels_N).item()
            valid_accuracy = (logits_NK.argmax(dim=1) == data.valid.labels_N).double().mean().item()
        model.train()
        print(
            f"epoch {epoch}: training loss {sum(losses[-steps_per_epoch:]) / steps_per_epoch:.4f}, "
            f"accuracy {correct / (steps_per_epoch * BATCH_SIZE):.4f}; "
            f"validation loss {valid_loss:.4f}, accuracy {valid_accuracy:.4f}"
        )
    return losses


if __name__ == "__main__":
    torch.set_num_threads(1)
    train()
