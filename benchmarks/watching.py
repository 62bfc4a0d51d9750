"""What watching costs: a plain loop with a monitor at its default cadence against the same loop without.

    OMP_NUM_THREADS=1 python benchmarks/watching.py small-resnet --steps 400 --batch 64
    OMP_NUM_THREADS=1 python benchmarks/watching.py resnet18 --steps 200 --batch 16

Data are pictures of Fashion-MNIST, 28×28 gray for our small residual net, enlarged to 64×64 and three times gray for
timm's resnet18. Five runs with and five without take turns in one process of one thread. Times are the CPU seconds of
the process, so that other work on the machine does not count. Two figures are told of each run: `inside`, the share
that the monitor's own calls took of a step's time, without what comes once (the looks before the first step and after
the last, and the first steps, of which each is looked at); and `once`, how many steps that took as long as.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.data import prepare
from trainwright.models import SmallResNet
from trainwright.monitoring import Monitor, Pictures
from trainwright.recipe import DataSection
from trainwright.runs import ProbeRecord, UnitsRecord
from trainwright.training import Seen, random_state

ROUNDS, FIRST = 5, 4


def nets() -> dict[str, tuple[Callable[[], nn.Module], int, int]]:
    import timm

    small = lambda: SmallResNet(classes=10, channels=1, img_size=28, width=32, depth=2)  # noqa: E731
    return {
        "small-resnet": (small, 1, 28),
        "resnet18": (lambda: timm.create_model("resnet18", num_classes=10), 3, 64),
    }


def pictures(channels: int, size: int, count: int = 4096) -> Pictures:
    data = prepare(DataSection(source="fashion-mnist"), seed=0)
    rows = torch.arange(count)
    images_NCHW = (data.train.images(rows).float() / 255 - 0.29) / 0.35
    if size != images_NCHW.shape[-1]:
        images_NCHW = F.interpolate(images_NCHW, size=(size, size), mode="bilinear")
    return Pictures(images_NCHW.expand(-1, channels, -1, -1).contiguous(), data.train.labels_N[rows])


@dataclass(frozen=True)
class Run:
    """CPU seconds of one run: of a step by the median, of all steps, and inside of the monitor by what it did."""

    step_s: float
    steps_s: float
    once_s: float
    inside_s: float
    probes: int
    looks: int
    every: int
    probe_s: float
    look_s: float


def run(make: Callable[[], nn.Module], shown: Pictures, *, watched: bool, steps: int, batch: int, epoch: int) -> Run:
    torch.manual_seed(0)
    net = make()
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)
    fixed = Pictures(shown.images_NCHW[:512], shown.labels[:512])
    valid = Pictures(shown.images_NCHW[512:1024], shown.labels[512:1024])
    records: list[Any] = []
    monitor = Monitor(net, optimizer, tell=records.append, probe=fixed, valid=valid, loss_of=F.cross_entropy)
    inside: dict[int, float] = {}
    once_s = hooks_s = look_s = 0.0

    def timed(hook: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> Any:
            nonlocal hooks_s
            began = time.process_time()
            try:
                return hook(*given)
            finally:
                hooks_s += time.process_time() - began

        return wrapped

    if watched:
        began = time.process_time()
        monitor.begin()
        stepping = monitor.stepping
        assert stepping is not None
        stepping.close()  # and hooked anew, each hook with a clock around it
        stepping._hooks = [
            optimizer.register_step_pre_hook(timed(stepping._begin)),
            optimizer.register_step_post_hook(timed(stepping._end)),
        ]
        sentinel = stepping.sentinel
        assert sentinel.tensor is not None
        sentinel._hook = sentinel.tensor.register_hook(timed(sentinel._add))
        once_s += time.process_time() - began
    times: list[float] = []
    for step in range(1, steps + 1):
        rows = torch.randint(0, len(shown), (batch,))
        images, labels = shown.images_NCHW[rows], shown.labels[rows]
        hooks_s, began = 0.0, time.process_time()
        put_back = random_state(images.device)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        told = loss.item()
        ended = time.process_time()
        times.append(ended - began - hooks_s)

        def again(put_back=put_back, images=images, labels=labels) -> Tensor:
            put_back()
            return F.cross_entropy(net(images), labels)

        if watched:
            monitor.step(step, 1 + step // epoch, Seen(told, images, labels, again))
            if step % epoch == 0:
                monitor.epoch(step, step // epoch)
            inside[step] = time.process_time() - ended + hooks_s
    steps_s = sum(times)
    if watched:
        began = time.process_time()
        monitor.finish(steps, 1 + steps // epoch)
        look_s = time.process_time() - began
        once_s += look_s
        monitor.close()
    once_s += sum(took for step, took in inside.items() if step <= FIRST)
    later = [took for step, took in inside.items() if step > FIRST]
    probes = [record for record in records if isinstance(record, ProbeRecord) and record.step > FIRST]
    looks = [record for record in records if isinstance(record, UnitsRecord) and 0 < record.step < steps]
    seen, at_looks = {record.step for record in probes}, {record.step for record in looks}
    # The first probe also warms torch up; one at the end of an epoch may stand beside a look at the sets.
    plain = [took for step, took in inside.items() if step in seen | {2, 3, 4} and step not in at_looks]
    return Run(
        step_s=statistics.median(times),
        steps_s=steps_s,
        once_s=once_s,
        inside_s=sum(later),
        probes=len(probes),
        looks=len(looks),
        every=probes[-1].every if probes else 0,
        probe_s=statistics.median(plain) if plain else 0.0,
        look_s=look_s,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("net", choices=["small-resnet", "resnet18"])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epoch", type=int, default=100, help="steps an epoch")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    make, channels, size = nets()[asked.net]
    shown = pictures(channels, size)
    named = {"steps": asked.steps, "batch": asked.batch, "epoch": asked.epoch}
    print(f"{asked.net}, {channels}×{size}×{size}, batch {asked.batch}, {asked.steps} steps, torch {torch.__version__}")
    heads = ("round", "ms a step without", "with", "inside %", "probes", "every", "a probe, steps", "looks")
    print(f"| {' | '.join(heads)} | a look, steps | once |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    shares: list[float] = []
    for number in range(1, asked.rounds + 1):
        order = (True, False) if number % 2 else (False, True)
        took = {watched: run(make, shown, watched=watched, **named) for watched in order}
        one, plain = took[True], took[False]
        shares.append(one.inside_s / (one.steps_s * (asked.steps - FIRST) / asked.steps))
        print(
            f"| {number} | {1000 * plain.step_s:.1f} | {1000 * one.step_s:.1f} | {100 * shares[-1]:.2f} "
            f"| {one.probes} | {one.every} | {one.probe_s / one.step_s:.2f} | {one.looks} "
            f"| {one.look_s / one.step_s:.2f} | {one.once_s / one.step_s:.1f} |",
            flush=True,
        )
    print(f"\nmedian share of a step's time: {100 * statistics.median(shares):.2f} %")


if __name__ == "__main__":
    main()
