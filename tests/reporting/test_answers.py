from __future__ import annotations

from dataclasses import dataclass

from trainwright.reporting import prediction_lines


@dataclass(frozen=True)
class Answered:
    """What predict says of one picture."""

    path: str
    top: tuple[tuple[str, float], ...]
    error: str | None


def test_one_line_a_picture_in_order() -> None:
    answers = [
        Answered(path="a.png", top=(("cat", 0.9), ("dog", 0.1)), error=None),
        Answered(path="evil\x1b[2J.png", top=(), error="zero bytes"),
    ]
    assert prediction_lines(answers) == [
        "a.png            cat 90.0 %, dog 10.0 %",
        "evil\\x1b[2J.png  no answer: zero bytes",
    ]
    assert prediction_lines([]) == []
