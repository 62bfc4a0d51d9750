"""How often to look, so that looking costs no more than its share of the time."""

from __future__ import annotations

import math
import statistics
from collections import deque

CLOSE_EVERY = 8
"""Every so many probes one looks closer: sketches, and both halves of the batch. Own choice."""

PROBE_PART = 0.5
"""Part of the share of time that goes to the probes of steps, the rest to the sets of pictures; own choice."""


class Cadence:
    """Decides which steps are looked at: the first ones, then every k; k from medians of what was measured.

    Args:
        first_steps: are all looked at.
        share: of training time that may be spent.
        start_step: steps made before watching began.
    """

    def __init__(self, first_steps: int, share: float, start_step: int) -> None:
        self.first_until = start_step + first_steps
        self.share = share
        self.next_at = start_step + 1
        self.probes = 0
        self.trained_s = 0.0
        self._sets_s = 0.0
        self._steps_s = deque[float](maxlen=65)
        self._plain_s = deque[float](maxlen=9)
        self._close_s = deque[float](maxlen=3)

    def due(self, step: int) -> bool:
        """Says whether a step is to be looked at."""
        return step >= self.next_at

    @property
    def close(self) -> bool:
        """Says whether the probe to come is one that looks closer."""
        return self.probes % CLOSE_EVERY == 0

    @property
    def step_s(self) -> float | None:
        """The median time of a step without looking, in seconds."""
        return statistics.median(self._steps_s) if self._steps_s else None

    def stepped(self, took_s: float) -> None:
        """Takes note of how long a step took without what looking took."""
        self._steps_s.append(max(took_s, 1e-9))
        self.trained_s += took_s

    def probed(self, step: int, cost_s: float) -> int:
        """Takes note of a probe and what it cost; returns the distance to the next one in steps."""
        (self._close_s if self.close else self._plain_s).append(cost_s)
        self.probes += 1
        every = 1
        if step >= self.first_until and self.step_s is not None:
            every = math.ceil(self._mean_cost_s() / (self.share * PROBE_PART * self.step_s))
        self.next_at = step + max(1, every)
        return self.next_at - step

    def _mean_cost_s(self) -> float:
        plain_s = statistics.median(self._plain_s or self._close_s)
        close_s = statistics.median(self._close_s or self._plain_s)
        return plain_s + max(0.0, close_s - plain_s) / CLOSE_EVERY

    def affords_sets(self, cost_s: float) -> bool:
        """Says whether looking at the sets, at what it cost last time, stays within its share by now."""
        return self._sets_s + cost_s <= self.share * (1 - PROBE_PART) * self.trained_s

    def looked_at_sets(self, cost_s: float) -> None:
        """Takes note of what a look at the sets cost; the first, before training, is not of the share."""
        self._sets_s += cost_s
