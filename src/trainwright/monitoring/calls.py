"""What a loop that is not ours shows of itself where it calls its net: modes, random numbers, the number format."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from trainwright.training import random_state

Mode = Literal["train", "eval", "both"]


@dataclass(frozen=True, eq=False)
class Call:
    """A forward pass with gradients, as it can be made again.

    Attributes:
        inputs, named: what the net was called with.
        put_back: gives the random generators the state in which the pass began.
        number_format: makes the context of automatic mixed precision in which the pass was made.
    """

    inputs: tuple[Any, ...]
    named: Mapping[str, Any]
    put_back: Callable[[], None]
    number_format: Callable[[], AbstractContextManager[Any]]

    def again(self, net: nn.Module) -> Any:
        """Makes the pass anew, by the net as it is now; call it within `unmoved`."""
        self.put_back()
        with self.number_format():
            return net(*self.inputs, **self.named)

    @property
    def images_NCHW(self) -> Tensor | None:
        """What the net saw, where that is one tensor."""
        tensors = [value for value in (*self.inputs, *self.named.values()) if isinstance(value, Tensor)]
        if self.inputs and isinstance(self.inputs[0], Tensor):
            return self.inputs[0]
        return tensors[0] if len(tensors) == 1 else None


class Calls:
    """Sees every call of a net, and nothing inside of it; costs some microseconds a call.

    Args:
        model: as the loop calls it.
        device: that it lies on.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._model, self._device = model, device
        self._ours = False
        self._with_gradients = {"train": 0, "eval": 0}
        self._called: set[str] = set()
        self._trained: set[str] = set()
        self.last: Call | None = None
        self.first_at: float | None = None
        self._hook = model.register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        if torch.compiler.is_compiling() or self._ours or module is not self._model:
            return
        mode = "train" if module.training else "eval"
        if self.first_at is None:
            self.first_at = time.perf_counter()
        if not torch.is_grad_enabled():
            self._called.add(mode)
            return
        self._with_gradients[mode] += 1
        if mode == "eval" and self._with_gradients["train"]:
            return  # a validation that keeps gradients for nothing
        kind = self._device.type
        enabled, dtype = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        self.last = Call(
            inputs,
            named,
            random_state(self._device),
            # Without its cache, which holds the weights as they were before the step.
            lambda: torch.autocast(kind, dtype=dtype, enabled=enabled, cache_enabled=False),
        )

    @property
    def ours(self) -> bool:
        """Whether it is ourselves who call the net now."""
        return self._ours

    @property
    def passes(self) -> int:
        """Passes that trained the net since the last step.

        A net in training mode is trained by passes in that mode; those in evaluation mode count where there are no
        others.
        """
        return self._with_gradients["train"] or self._with_gradients["eval"]

    def step_made(self) -> None:
        """Counts what was seen since the last step as a step, and lets go of it."""
        if self.passes:
            self._trained.add("train" if self._with_gradients["train"] else "eval")
        self.forget()

    def forget(self) -> None:
        """Lets go of what was seen since the last step."""
        self.last = self.first_at = None
        self._with_gradients = {"train": 0, "eval": 0}
        self._called = set()

    def called_in(self) -> Literal["train", "eval"] | None:
        """Says in which mode the net was called without gradients since the last step; None where in both or not."""
        mode = _together(self._called)
        return None if mode == "both" else mode

    def trained_in(self) -> Mode | None:
        """Says in which mode the net was in the steps since this was last asked."""
        modes, self._trained = self._trained, set()
        return _together(modes)

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Looks away while the net is called by ourselves."""
        before, self._ours = self._ours, True
        try:
            yield
        finally:
            self._ours = before

    def close(self) -> None:
        """Takes the hook off."""
        self._hook.remove()
        self.forget()

    def __deepcopy__(self, _memo: dict[int, Any]) -> Calls:
        """Goes along with a copy of the net, of which it sees nothing: that is another net."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Goes along into a file of the whole net, blind."""
        return _blind, ()


def _blind() -> Calls:
    calls = object.__new__(Calls)
    calls._ours = True
    return calls


def _together(modes: set[str]) -> Mode | None:
    if len(modes) == 2:
        return "both"
    return "train" if "train" in modes else "eval" if "eval" in modes else None
