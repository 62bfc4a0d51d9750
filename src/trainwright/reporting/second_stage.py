"""What a second stage of training did, in words; one text for the terminal and the report."""

from __future__ import annotations

from trainwright.runs import History, RetrainRecord

from .outcome import outcome_of
from .wording import count, number, plural


def beginning(told: RetrainRecord) -> str:
    """Says what a second stage is about to do."""
    how = {
        "restart": f"anew from the first weights for {plural(told.epochs, 'epoch')}",
        "continue": f"on from epoch {count(told.best_epoch)} for {plural(told.epochs, 'epoch')} at most",
    }[told.way]
    text = f"retraining on training and validation pictures together ({count(told.pictures)}), {how}"
    if told.target_loss is None or told.added_loss is None:
        return text
    loss = f"until the loss of the added ones falls from {number(told.added_loss)} to {number(told.target_loss)}"
    return f"{text}, {loss}, that of the training pictures"


def second_stage(history: History) -> list[str]:
    """Tells what a second stage did and which weights are the result; nothing where there is none.

    Args:
        history: of the run; its second stage may go on still, or have broken off.
    """
    told = history.retrain
    if told is None:
        return []
    outcome = outcome_of(history.stop)
    pictures = f"training and validation pictures together ({count(told.pictures)}, {count(told.added)} of them added)"
    if outcome not in ("completed", "early-stopping"):
        why = f" ({history.stop.reason})" if history.stop else ""
        return [
            f"A second stage, on {pictures}, has begun and is not finished{why}; until it is, the weights of epoch "
            f"{count(told.best_epoch)} are the result."
        ]
    rows = [row for row in history.epochs.rows if row.stage == "retrain"]
    lasted = plural(len(rows), "epoch")
    if told.way == "restart":
        did = f"Then the net was trained anew, from its first weights, on {pictures}, for {lasted}."
    else:
        did = f"Then the net of epoch {count(told.best_epoch)} was trained further, on {pictures}, for {lasted}"
        did += _way_to_the_goal(told, rows[-1].added_loss if rows else None)
    return [
        did,
        "These retrained weights are the result. They have learned the validation pictures, so that no validation "
        "figure exists for them; those that are shown belong to the first stage.",
    ]


def _way_to_the_goal(told: RetrainRecord, added_loss: float | None) -> str:
    if told.target_loss is None or added_loss is None:
        return "."
    target = f"{number(told.target_loss, 3)}, that of the training pictures at the stop"
    if added_loss <= told.target_loss:
        return f", until the loss of the added ones, {number(added_loss, 3)}, was down to {target}."
    return f", as long as it may; the loss of the added ones, {number(added_loss, 3)}, did not come down to {target}."
