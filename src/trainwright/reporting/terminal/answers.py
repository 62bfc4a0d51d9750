"""What a net says of pictures, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from ..wording import printable


class Answer(Protocol):
    """One answer: the likeliest classes with their probabilities, or why there is none."""

    @property
    def path(self) -> str: ...
    @property
    def top(self) -> Sequence[tuple[str, float]]: ...
    @property
    def error(self) -> str | None: ...


def prediction_lines(answers: Iterable[Answer]) -> list[str]:
    """Writes one line a picture, in order: its path, then classes with their probabilities, or what is wrong."""
    rows = [(printable(answer.path), _said(answer)) for answer in answers]
    width = max((len(path) for path, _ in rows), default=0)
    return [f"{path:<{width}}  {said}" for path, said in rows]


def _said(answer: Answer) -> str:
    if answer.error is not None:
        return f"no answer: {printable(answer.error)}"
    return ", ".join(f"{printable(label)} {100 * probability:.1f} %" for label, probability in answer.top)
