"""The course of a run as columns of numbers that rules look at.

S step records · E epochs · B probes · T parameter tensors · L layers · U looks at the units
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwright.runs import AnswersRecord, Columns, History, ProbeRecord, StepRecord, WatchedLayer, WatchedTensor

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """What is known of a run beside its records.

    Attributes:
        recipe: dotted key → value, decided; empty of a loop that is not ours.
        class_shares: of the training part, in the order of the classes; empty where unknown.
    """

    recipe: Mapping[str, Any] = field(default_factory=dict[str, Any])
    class_shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Course:
    """A run as it stands, in columns; what was not measured is NaN, or an empty column.

    Attributes:
        history: all records.
        known: what is known beside.
    """

    history: History
    known: Known = field(default_factory=Known)

    @property
    def _told(self) -> Columns[StepRecord] | Columns[ProbeRecord]:
        """Step records, or the probes where a run ended before its first of them."""
        return self.history.steps or self.history.probes

    @cached_property
    def steps_S(self) -> Numbers:
        return _column(self._told["step"])

    @cached_property
    def losses_S(self) -> Numbers:
        """Training losses as trained."""
        return _column(self._told["loss"])

    @cached_property
    def rates_S(self) -> Numbers:
        return _column(self._told["learning_rate"])

    def epochs(self, name: str) -> Numbers:
        """Gives a column of the epoch records, E numbers."""
        return self.once(f"epochs {name}", lambda: _column(self.history.epochs[name]))

    def probes(self, name: str) -> Numbers:
        """Gives a column of single numbers of the probes, B numbers."""
        return self.once(f"probes {name}", lambda: _column(self.history.probes[name]))

    def by_tensor(self, name: str) -> Numbers:
        """Gives a column by tensors of the probes, B T."""
        return self.once(f"by tensor {name}", lambda: _table(self.history.probes[name], len(self.tensors)))

    def by_layer(self, name: str) -> Numbers:
        """Gives a column by layers of the looks at the units, U L."""
        return self.once(f"by layer {name}", lambda: _table(self.history.units[name], len(self.layers)))

    def once(self, name: str, make: Callable[[], Numbers]) -> Numbers:
        """Makes what many rules ask for a single time, and keeps it under a name; nobody may write into it."""
        if name not in self._made:
            made = make()
            made.flags.writeable = False
            self._made[name] = made
        return self._made[name]

    @cached_property
    def _made(self) -> dict[str, Numbers]:
        return {}

    def answers(self, part: str, mode: str = "eval") -> tuple[AnswersRecord, ...]:
        """Gives the answers about pictures that stay the same, in the order of the steps.

        A validation of which a foreign loop told its figures alone is none of them.
        """
        rows = self.history.answers.rows
        return tuple(row for row in rows if (row.part, row.mode) == (part, mode) and row.pictures)

    @property
    def tensors(self) -> tuple[WatchedTensor, ...]:
        return () if self.history.watch is None else self.history.watch.tensors

    @property
    def layers(self) -> tuple[WatchedLayer, ...]:
        return () if self.history.watch is None else self.history.watch.layers

    @property
    def classes(self) -> int | None:
        """The number of classes, None where the task is another or nobody knows."""
        return None if self.history.watch is None else self.history.watch.classes

    @property
    def last_step(self) -> int:
        """The last step that any record tells of."""
        tails = (self.history.steps, self.history.epochs, self.history.probes)
        return max((int(column.rows[-1].step) for column in tails if len(column)), default=0)

    @cached_property
    def blind_loss(self) -> float | None:
        """The loss in nats of an answer that knows the class shares and nothing else: their entropy, or ln K.

        None where the task is no classification.
        """
        if self.classes is None:
            return None
        shares = [share for share in self.known.class_shares if share > 0]
        if not shares:
            clean = self.answers("train")
            counts = [sum(row) for row in clean[0].confusion_KK] if clean else []
            shares = [count / sum(counts) for count in counts if count > 0]
        return -sum(share * math.log(share) for share in shares) if shares else math.log(self.classes)

    def skill(self, losses: Numbers) -> Numbers:
        """Turns losses into skill, 1 - L / H(class shares): 0 knows only the class frequencies, 1 is perfect."""
        return losses * np.nan if not self.blind_loss else 1.0 - losses / self.blind_loss


def _column(values: Sequence[Any]) -> Numbers:
    return np.array(values, dtype=np.float64)


def _table(rows: Sequence[Sequence[float | None]], width: int) -> Numbers:
    """Sets rows under each other; a row of another width, such as an empty one, is one of NaN, and so is None."""
    table = np.full((len(rows), width), np.nan)
    whole = [index for index, row in enumerate(rows) if len(row) == width]
    if whole and width:
        table[whole] = np.array([rows[index] for index in whole], dtype=np.float64)
    return table
