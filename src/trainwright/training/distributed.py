"""Several processes that train one net: what they tell each other, and how all end when one does.

One process is the same object with a world of 1, whose every operation does nothing; torch.distributed is then never
touched. Tensors are summed by gloo on a CPU and by NCCL on GPUs; objects go by gloo. What may take rank 0 hours, as
reading pictures may, is waited for at the store where the ranks met, so that no collective runs out of time.

W ranks
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from trainwright.errors import InputError, Interrupted, TrainwrightError
from trainwright.runs import launched

from .ears import close_ears, mortal
from .lost_ranks import OfAnotherRank, RankLost, exit_code_of, first_sentence, lost, words_of

Value = TypeVar("Value")

PATIENCE = timedelta(minutes=30)
"""How long a rank waits for another one in a step."""

MEETING = timedelta(minutes=5)
"""How long ranks wait for each other to come."""

LOOKS_EVERY_S, SEEN_AFTER_S, TAKEN_OVER_AFTER_S = 0.1, 3.0, 10.0
"""Seconds between two looks at the store; in which survivors of a lost rank find each other; in which rank 0 takes over
to say what went wrong on another."""


@dataclass(frozen=True)
class Ranks:
    """The processes that train one net, as one of them sees them.

    Attributes:
        rank: of this process, from 0; rank 0 leads: it alone writes and speaks.
        world: how many there are.
        local_rank: among those of this machine.
        store: where they met; None for one process.
        sayings: counts what rank 0 has said.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    store: Any = field(default=None, repr=False, compare=False)
    sayings: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    @property
    def alone(self) -> bool:
        return self.world == 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """Takes this rank's share of rows: shares follow each other, nearly equal, the first ranks have the larger.

        >>> [Ranks(rank, 2).share(torch.arange(5)).tolist() for rank in (0, 1)]
        [[0, 1, 2], [3, 4]]
        """
        return rows.tensor_split(self.world)[self.rank]

    def begin_step(self, seed: int, step: int) -> None:
        """Seeds torch's generators for a step, so that ranks drop different units, and a resumed run the same ones.

        One process draws on from where its generator stands.
        """
        if not self.alone:
            words = np.random.SeedSequence((seed, step, self.rank, self.world)).generate_state(1, np.uint64)
            torch.manual_seed(int(words[0]))

    def add_up(self, tensor: Tensor) -> None:
        """Replaces a tensor, in place, by its sum over all ranks; has no gradient."""
        if not self.alone:
            import torch.distributed as dist

            self._together(lambda: dist.all_reduce(tensor))

    def summed(self, tensor: Tensor) -> Tensor:
        """Sums a tensor over all ranks. Its gradient is the sum of the gradients that all ranks have for the sum."""
        return tensor if self.alone else _Sum.apply(tensor, self)  # pyright: ignore[reportReturnType]

    def stacked(self, tensor: Tensor) -> Tensor:
        """Gathers tensors of one shape from all ranks: W, then the shape; in the order of the ranks, no gradient."""
        if self.alone:
            return tensor[None]
        import torch.distributed as dist

        all_W = tensor.new_empty(self.world, *tensor.shape)
        self._together(lambda: dist.all_gather(list(all_W.unbind()), tensor.contiguous()))
        return all_W

    def gathered(self, value: Value) -> list[Value]:
        """Gives what every rank says, in the order of the ranks."""
        if self.alone:
            return [value]
        import torch.distributed as dist

        said: list[Any] = [None] * self.world
        self._together(lambda: dist.all_gather_object(said, value))
        return said

    def told(self, value: Any = None) -> Any:
        """Gives on all ranks what rank 0 says; the others wait as long as it takes."""
        if self.alone:
            return value
        import torch.distributed as dist

        name = f"told/{next(self.sayings)}"
        if self.leads:
            self.raise_failure()
            self._together(lambda: self.store.set(name, b"said"))
        else:
            self._wait_for([name])
        box = [value]
        self._together(lambda: dist.broadcast_object_list(box, src=0))
        return box[0]

    def wait_for_all(self, name: str) -> None:
        """Waits, as long as it takes, until all ranks have come as far as this one.

        Args:
            name: of the place; once in a run.
        """
        if not self.alone:
            self._together(lambda: self.store.set(f"{name}/{self.rank}", b""))
            self._wait_for([f"{name}/{rank}" for rank in range(self.world)])

    def _wait_for(self, names: list[str]) -> None:
        """Looks at the store until words of these names stand there, or another rank has failed."""
        while not self._together(lambda: self.store.check(names)):
            self.raise_failure()
            time.sleep(LOOKS_EVERY_S)

    def _together(self, exchange: Callable[[], Value]) -> Value:
        """Makes an exchange between ranks, and finds out who is gone where it fails.

        Raises:
            OfAnotherRank: another rank has said why it ended.
            RankLost: nobody knows why.
        """
        try:
            return exchange()
        except RuntimeError as error:
            reason = first_sentence(error)
        close_ears()
        raise self._loss(reason)

    def _loss(self, reason: str) -> TrainwrightError:
        """Says which ranks are gone, as far as the others can tell."""
        others = set(range(self.world)) - {self.rank}
        until = time.monotonic() + SEEN_AFTER_S + self.leads  # its store may end with rank 0
        with contextlib.suppress(RuntimeError):
            self.store.set(f"here/{self.rank}", b"here")
            while True:
                self.raise_failure()
                gone = {rank for rank in others if not self.store.check([f"here/{rank}"])}
                if not gone or time.monotonic() > until:
                    return lost(sorted(gone), self.world, reason)
                time.sleep(LOOKS_EVERY_S)
        return lost([0] if not self.leads else [], self.world, reason)  # the store is rank 0's, or torchrun's

    def part(self) -> None:
        """Ends the work of all: the others wait until rank 0 has come here, too, and so hear where it fails before.

        Who is gone by then is no loss to rank 0, which has done all there is to do.
        """
        if self.alone:
            return
        try:
            self.told()
        except (RankLost, OfAnotherRank):
            if not self.leads:
                raise
        with contextlib.suppress(RuntimeError):
            self.store.set(f"ended/{self.rank}", b"")
            if self.leads:
                self.hears_of_ends(SEEN_AFTER_S)  # before its store ends with it

    def hears_of_ends(self, seconds: float) -> bool:
        """Tells whether, within so many seconds, rank 0 says that it ends; of rank 0, whether all others do."""
        others, until = range(1, self.world) if self.leads else [0], time.monotonic() + seconds
        while time.monotonic() < until:
            if all(self.store.check([f"failed/{rank}"]) or self.store.check([f"ended/{rank}"]) for rank in others):
                return True
            time.sleep(LOOKS_EVERY_S)
        return False

    def failure(self) -> OfAnotherRank | None:
        """Gives what another rank has said that it failed of; that it was interrupted only where none says more."""
        failed = [rank for rank in range(self.world) if rank != self.rank and self.store.check([f"failed/{rank}"])]
        said = [(rank, *pickle.loads(self.store.get(f"failed/{rank}"))) for rank in failed]
        said.sort(key=lambda each: each[1] == Interrupted.exit_code)
        for rank, code, text in said:
            return OfAnotherRank(text if rank == 0 else f"on rank {rank}: {text}", code)
        return None

    def raise_failure(self) -> None:
        """Raises what another rank has said that it failed of."""
        if (found := self.failure()) is not None:
            raise found


ALONE = Ranks()
"""One process."""

_opened: Ranks | None = None


@contextlib.contextmanager
def opened_ranks() -> Iterator[Ranks]:
    """Meets the other ranks where torchrun has started several, and has all of them end alike.

    Only rank 0 says how it ended; where it is gone, the first that is left. Others end without a word, with its exit
    code. Inside of another such block it gives what that one has.

    Raises:
        InputError: variables of torchrun are missing, or the others do not come.
    """
    global _opened
    launch = launched()
    if launch.world == 1 or _opened is not None:
        yield _opened or ALONE
        return
    import torch.distributed as dist

    with mortal():
        ranks = _meet(launch.rank, launch.world, launch.local_rank)
    with contextlib.ExitStack() as stack:
        if not ranks.leads:
            silence = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(contextlib.redirect_stdout(silence))
            stack.enter_context(contextlib.redirect_stderr(silence))
        _opened = ranks
        try:
            yield ranks
        except BaseException as error:
            code = exit_code_of(error)
            if code == 0:
                raise
            close_ears()
            end = _end(ranks, error, code)
        else:
            return
        finally:
            _opened = None
            with contextlib.suppress(Exception):
                dist.destroy_process_group()
    if end is None:
        raise SystemExit(code)
    raise end


def _end(ranks: Ranks, error: BaseException, code: int) -> BaseException | None:
    """Decides what this rank says at its end, and lets the others know of it; None for nothing.

    After an interruption, its own or another's, each rank but 0 waits until rank 0 has ended, or its store: it may
    still be writing, and torchrun ends it where another one is gone.
    """
    import torch.distributed as dist

    if isinstance(error, RankLost):
        return error if ranks.rank == min(set(range(ranks.world)) - set(error.gone)) else None
    own = error if ranks.leads else None
    asked = code == Interrupted.exit_code
    try:
        cause = ranks.failure() if asked else None
        if cause is not None and cause.exit_code != code:  # the signal was torchrun's, which ends all where one failed
            ranks.store.set(f"ended/{ranks.rank}", b"")
            return cause if ranks.leads else None
        if isinstance(error, OfAnotherRank):
            ranks.store.set(f"ended/{ranks.rank}", b"")
            if ranks.leads or not asked:
                return own
        else:
            ranks.store.set(f"failed/{ranks.rank}", pickle.dumps((code, words_of(error, code))))
        dist.destroy_process_group()  # whoever waits for this rank in a collective sees that it is gone
        seconds = SEEN_AFTER_S if ranks.leads else math.inf if asked else TAKEN_OVER_AFTER_S
        if ranks.hears_of_ends(seconds):  # rank 0 hosts the store, or knows what to say
            return own
    except RuntimeError:  # rank 0 and its store are gone
        return own
    return error


def _meet(rank: int, world: int, local_rank: int) -> Ranks:
    """Opens the group of ranks, and a store for words beside it."""
    import torch.distributed as dist
    from torch.distributed import PrefixStore  # pyright: ignore[reportPrivateImportUsage]
    from torch.distributed.rendezvous import rendezvous

    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # torchrun's store outlives its ranks
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    if rank == 0:
        print(f"waiting for {world} ranks at {place}", file=sys.stderr, flush=True)
    try:
        store, _, _ = next(rendezvous("env://", rank, world, timeout=MEETING))
        store.set(f"met/{attempt}/{rank}", "")
        store.wait([f"met/{attempt}/{other}" for other in range(world)], MEETING)
        dist.init_process_group(
            backend, store=PrefixStore(f"group/{attempt}", store), rank=rank, world_size=world, timeout=PATIENCE
        )
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"rank {rank} of {world} does not meet the others",
            expected=f"all {world} at {place}, within {MEETING.seconds // 60} minutes",
            got=first_sentence(error),
            where="the environment",
            hint="the same address and port on every machine, open between them; docs/many-machines.md",
        ) from None
    return Ranks(rank, world, local_rank, PrefixStore(f"words/{attempt}", store))


class _Sum(torch.autograd.Function):
    """Sums over ranks, forward and backward."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        ranks.add_up(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        total = gradient.clone(memory_format=torch.contiguous_format)
        ctx.ranks.add_up(total)
        return total, None
