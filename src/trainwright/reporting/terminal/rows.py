"""The table of epochs: its head, its rows, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Sequence

from trainwright.runs import EpochRecord

from ..wording import count, large, number, short_duration
from .lines import Line

WIDTHS = (9, 9, 8, 7, 8, 9, 1, 7, 6, 7, 7)
HEAD = (
    ("", "learning", "train", "train", "valid", "valid", "", "pict-", "data", "memory", "time"),
    ("epoch", "rate", "loss", "acc %", "loss", "acc %", "", "ures/s", "wait", "MiB", "left"),
)
FIGURES = {
    "classification": ("acc %", "acc %"),
    "multi-label": ("", "mAP %"),
    "regression": ("", "R²"),
    "ranking": ("pair %", "pair %"),
}
"""Task → what heads its figures of training ("": none is measured, and there is no such column) and of validation; %:
shown as a percentage."""

TRAIN_FIGURE = 3
"""Place of the column of the training figure."""

MEASURED_EPOCHS = 5


def head(task: str = "classification") -> list[Line]:
    """Gives the lines that name the columns.

    Args:
        task: what the net learns; tells which figures stand in the table.
    """
    train, valid = FIGURES[task]
    names = (*HEAD[1][:TRAIN_FIGURE], train, HEAD[1][4], valid, *HEAD[1][6:])
    return [*(Line(_aligned(cells, task), "bold") for cells in (HEAD[0], names)), Line("    * best so far", "dim")]


def row(record: EpochRecord, epochs: int, left_s: float | None, task: str = "classification") -> str:
    """Writes one epoch as one line beneath `head()`.

    Args:
        record: the epoch.
        epochs: epochs of the whole run.
        left_s: seconds that the rest of the run is expected to take.
        task: as for `head`.
    """
    valid = record.valid_loss is not None
    train_head, valid_head = FIGURES[task]
    return _aligned(
        (
            f"{record.epoch}/{epochs}",
            number(record.learning_rate),
            _loss(record.train_loss),
            _figure(record.train_accuracy, train_head),
            _loss(record.valid_loss) if valid else "–",
            _figure(next(iter(record.valid_figures.values()), record.valid_accuracy), valid_head),
            "*" if record.best and valid else "",
            count(round(record.pictures_per_s)) if record.pictures_per_s < 99_999.5 else large(record.pictures_per_s),
            f"{100 * record.data_wait_share:.0f} %",
            count(round(record.memory_mib)),
            short_duration(left_s),
        ),
        task,
    )


def _figure(value: float | None, head: str) -> str:
    if value is None:
        return "–"
    if head.endswith("%"):
        return f"{100 * value:.2f}"
    return f"{value:.4f}" if abs(value) < 100 else _short(value, 8)


def time_left(epochs_done: Sequence[EpochRecord], epochs: int) -> float | None:
    """Estimates the seconds that the remaining epochs take, from the mean of the last five measured.

    The first epoch is slower than the rest (caches, kernels that are chosen, code that is compiled), so it counts only
    while it is the only one.

    Args:
        epochs_done: the epochs that this process measured, oldest first.
        epochs: epochs of the whole run.
    Returns:
        seconds; None before anything is measured.
    """
    measured = epochs_done[1:][-MEASURED_EPOCHS:] or epochs_done
    if not measured:
        return None
    mean = sum(record.train_time_s + record.valid_time_s for record in measured) / len(measured)
    return mean * max(epochs - epochs_done[-1].epoch, 0)


def _loss(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 100 else _short(value, 7)


def _short(value: float, most: int) -> str:
    """Writes a large number with up to three digits, fewer where it would leave no space before its column.

    >>> _short(5.36e8, 7), _short(12345.6, 7), _short(-1.27e10, 8), _short(1.08e115, 7)
    ('5.4e+08', '1.2e+04', '-1.3e+10', '1e+115')
    """
    return next((text for digits in (3, 2) if len(text := f"{value:.{digits}g}") <= most), f"{value:.1g}")


def _aligned(cells: Sequence[str], task: str) -> str:
    padded = [cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True)]
    if not FIGURES[task][0]:
        del padded[TRAIN_FIGURE]
    return "".join(padded).rstrip()
