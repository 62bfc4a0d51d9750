"""The whole run in a few numbers and plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainwright.runs import EpochRecord, StopRecord

from ..outcome import Outcome, outcome_of
from ..wording import count, duration, interval, percent, plural
from .judgement import Judgement
from .task_judgement import Fact, TaskJudgement

FLATTERS = (
    "These pictures also chose the best epoch, so the number flatters the net a little; "
    "only a test part that is looked at once does not."
)
FEW_PICTURES = 1000
"""Below so many test pictures the interval is wide enough to deserve a sentence of its own."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What came out, in numbers; `verdict` and `sentences` say the same in words.

    `facts` hold the first figure of tasks other than classification, which have no accuracy.
    """

    outcome: Outcome
    part: str | None
    accuracy: float | None
    interval: tuple[float, float] | None
    right: int | None
    pictures: int | None
    epochs_done: int
    epochs_planned: int | None
    best_epoch: int | None
    train_time_s: float
    stopped_because: str
    verdict: str
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...] = ()


def headline(
    judged: Judgement | TaskJudgement | None,
    epochs: Sequence[EpochRecord],
    stop: StopRecord | None,
    epochs_planned: int | None,
    *,
    again: Sequence[str] = (),
    last: StopRecord | None = None,
) -> Headline:
    """Sums a run up.

    Args:
        judged: the judgement of the result, on the test part if there is one.
        epochs: the epochs that are done, of the first stage where another followed.
        stop: the end of training, of the first stage where another followed; None while there is none on record.
        epochs_planned: epochs that the recipe asks for, where it is known.
        again: what a second stage did, in sentences.
        last: the end of the second stage.
    """
    end = last if again else stop
    outcome = outcome_of(end)
    time_s = stop.train_time_s if stop else sum(record.train_time_s + record.valid_time_s for record in epochs)
    best = stop.best_epoch if stop and stop.best_epoch else max((r.epoch for r in epochs if r.best), default=None)
    because = stop.reason if stop else "no end is on record: it is still training, or it was cut off"
    classified = judged if isinstance(judged, Judgement) else None
    return Headline(
        outcome=outcome,
        part=judged.part if judged else None,
        accuracy=classified.accuracy if classified else None,
        interval=classified.interval if classified else None,
        right=classified.right if classified else None,
        pictures=judged.pictures if judged else None,
        epochs_done=len(epochs),
        epochs_planned=epochs_planned,
        best_epoch=best,
        train_time_s=end.train_time_s if end else time_s,
        stopped_because=because,
        verdict=_verdict(outcome, judged),
        sentences=(
            *_result(judged),
            *_course(outcome_of(stop), epochs, because, epochs_planned, time_s, None if again else best),
            *again,
        ),
        facts=judged.facts[:1] if isinstance(judged, TaskJudgement) else (),
    )


def headline_of_loop(epochs: Sequence[EpochRecord], stop: StopRecord | None, epochs_planned: int | None) -> Headline:
    """Sums up a training loop that is not ours and was watched; it keeps no weights here, and is not tested.

    Args:
        epochs: that its validations ended.
        stop: the end of watching; None while there is none on record.
        epochs_planned: as was told when watching began.
    """
    outcome = outcome_of(stop)
    measured = [record for record in epochs if record.valid_accuracy is not None]
    best = max(measured, key=lambda record: record.valid_accuracy or 0.0, default=None)
    time_s = stop.train_time_s if stop else sum(record.train_time_s + record.valid_time_s for record in epochs)
    because = stop.reason if stop else "no end is on record: it is still training, or it was cut off"
    done = (
        f"{count(len(epochs))} of {plural(epochs_planned, 'epoch')}" if epochs_planned else plural(len(epochs), "epoch")
    )
    sentences = [f"Watched over {done}{f' and {count(stop.step)} steps' if stop else ''}; the end: {because}."]
    if best is not None:
        last = measured[-1]
        sentences.append(
            f"Of the validation pictures {percent(best.valid_accuracy)} were named correctly after epoch "
            f"{count(best.epoch)}, the best, and {percent(last.valid_accuracy)} after the last."
        )
    return Headline(
        outcome=outcome,
        part=None,
        accuracy=None,
        interval=None,
        right=None,
        pictures=None,
        epochs_done=len(epochs),
        epochs_planned=epochs_planned,
        best_epoch=best.epoch if best else None,
        train_time_s=time_s,
        stopped_because=because,
        verdict={
            "completed": "A watched training came to its end.",
            "interrupted": "A watched training broke off.",
            "unfinished": "A watched training has not recorded its end yet.",
        }.get(outcome, "A watched training broke down."),
        sentences=tuple(sentences),
    )


def _verdict(outcome: Outcome, judged: Judgement | TaskJudgement | None) -> str:
    if isinstance(judged, TaskJudgement):
        return judged.verdict
    if judged is not None:
        return f"{percent(judged.accuracy, judged.pictures)} of the {judged.part} pictures are named correctly."
    return {
        "completed": "Training is done; no test of the net is on record.",
        "early-stopping": "Training is done; no test of the net is on record.",
        "interrupted": "Training was interrupted before the net was judged.",
        "non-finite-loss": "Training broke down before the net could be judged.",
        "check-failed": "Training did not begin: a check before it failed.",
        "unfinished": "This run has not recorded its end yet.",
    }[outcome]


def _result(judged: Judgement | TaskJudgement | None) -> list[str]:
    if judged is None:
        return []
    if isinstance(judged, TaskJudgement):
        return [*judged.sentences, *([FLATTERS] if judged.part == "valid" else [])]
    low, high = judged.interval
    sentences = [
        f"{count(judged.right)} of {plural(judged.pictures, 'picture')} that were set apart got the right name. "
        f"The accuracy on other pictures of the same kind lies, with 95 % confidence, between "
        f"{interval(low, high, judged.pictures).replace(' to ', ' and ')}."
    ]
    if judged.part == "valid":
        sentences.append(FLATTERS)
    if judged.pictures < FEW_PICTURES:
        sentences.append("More test pictures would narrow that range.")
    guess = percent(judged.majority_share, judged.pictures)
    if low > judged.majority_share:
        sentences.append(f"Always giving the most frequent answer would be right for {guess}.")
    else:
        sentences.append(
            f"Always giving the most frequent answer would be right for {guess}: "
            "this net has not been shown to do better than that."
        )
    return sentences


def _course(
    outcome: Outcome,
    epochs: Sequence[EpochRecord],
    because: str,
    planned: int | None,
    time_s: float,
    best: int | None,
) -> list[str]:
    done = f"{count(len(epochs))} of {plural(planned, 'epoch')}" if planned else plural(len(epochs), "epoch")
    took = f" and took {duration(time_s)}" if epochs else ""
    kept = f" The weights of epoch {count(best)} are kept as the result." if best else ""
    match outcome:
        case "completed":
            return [f"Training went through {done}{took}.{kept}"]
        case "early-stopping":
            return [f"Training stopped early, after {done}{took}: {because}.{kept}"]
        case "interrupted":
            return [f"Training was interrupted after {done}{took} ({because}); it can go on from there.{kept}"]
        case "check-failed":
            return [f"No step was made: {because}."]
        case "non-finite-loss":
            return [f"Training broke down after {done}{took}: {because}.{kept}"]
        case "unfinished":
            return [f"So far {done} done. No end is on record: it is still training, or it was cut off.{kept}"]
