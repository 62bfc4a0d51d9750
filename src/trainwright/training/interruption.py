"""Ctrl-C and SIGTERM as a flag that the loop looks at, so that a checkpoint can be written first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from .distributed import ALONE, Ranks


class Interruption:
    """Whether somebody asked the run to stop, and with which signal."""

    def __init__(self) -> None:
        self.signal_name: str | None = None

    def __bool__(self) -> bool:
        return self.signal_name is not None

    def agreed(self, ranks: Ranks) -> bool:
        """Tells whether any of several ranks was asked to stop, alike on all of them."""
        if ranks.alone:
            return bool(self)
        asked_W = torch.zeros(ranks.world)
        asked_W[ranks.rank] = 0 if self.signal_name is None else signal.Signals[self.signal_name].value
        ranks.add_up(asked_W)
        number = int(asked_W.max())
        if number:
            self.signal_name = signal.Signals(number).name
        return number > 0


@contextmanager
def listening(ranks: Ranks = ALONE) -> Iterator[Interruption]:
    """Catches SIGINT and SIGTERM while the block runs; a second signal acts at once, as it did before.

    Of several ranks each waits until all have agreed to stop: torchrun and Slurm pass a signal on, so that it may come
    to a process twice.

    Outside the main thread Python allows no handlers, and the flag stays down.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form that signal calls
        interruption.signal_name = signal.Signals(number).name
        for each, handler in before.items() if ranks.alone else ():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, handle)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
