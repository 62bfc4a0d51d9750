"""What is wrong with a run as it stands, what was looked at, and what could not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainwright.diagnosis import Known, diagnose, not_told_by_the_loop
from trainwright.runs import Finding, History

from ..wording import count, plural

GRAVITY = ("stop", "warn", "note")

NEED_WORDS: Mapping[str, str] = {
    "steps": "the loss of single steps",
    "epochs": "figures of whole epochs",
    "validation": "the loss of validation pictures after each epoch",
    "watch": "a net that is watched",
    "probes": "gradients and updates of single steps",
    "trust": "the loss of a batch again after its step",
    "units": "the layers on pictures that stay the same",
    "answers": "the answers to training pictures that stay the same",
    "valid answers": "the answers to validation pictures that stay the same",
    "recipe": "a recipe",
}
"""What a rule needs → what was not there, in words."""


@dataclass(frozen=True, kw_only=True)
class DiagnosisView:
    """A run judged by its records.

    `findings` stand, the one to read first first; those of data, checks and the loop itself are among them. `withdrawn`
    were told while it learned, and their sign is gone. `looked_at` are the codes that could be found, and `impossible`
    maps the others to what they would need. `steps`, `epochs` and `looks` count what there was to look at: optimizer
    steps, epochs, and steps that were measured from near.
    """

    findings: tuple[Finding, ...]
    withdrawn: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    impossible: Mapping[str, tuple[str, ...]]
    steps: int
    epochs: int
    looks: int

    @property
    def healthy(self) -> bool:
        """Whether nothing stands that warns or stops; notes do no harm by the numbers that were measured."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def summary(self) -> str:
        """Says in one sentence what came out."""
        grave = [finding for finding in self.findings if finding.severity != "note"]
        if grave:
            return f"{plural(len(grave), 'finding')} to look at, and the first is {grave[0].code}."
        if not self.looked_at:
            return "There is nothing to look at yet."
        return f"Nothing wrong was found; looked at {plural(len(self.looked_at), 'kind of fault', 'kinds of faults')}."

    @property
    def scope(self) -> str:
        """Says what there was to look at."""
        seen = [plural(self.steps, "step"), plural(self.epochs, "epoch")]
        seen += [f"{plural(self.looks, 'step')} measured from near"] if self.looks else []
        return ", ".join(seen)

    @property
    def gaps(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Lists what was missing, in words, each with the codes that could not be looked at without it."""
        codes_by_need: dict[str, list[str]] = {}
        for code, needs in self.impossible.items():
            words = " and ".join(NEED_WORDS[need] for need in needs)
            codes_by_need.setdefault(words, []).append(code)
        return tuple((words, tuple(codes)) for words, codes in codes_by_need.items())


def diagnosis_view(history: History, known: Known | None = None) -> DiagnosisView:
    """Looks at a run anew, and sets what its log tells beside it.

    A finding that the log tells and a new look does not see any more is withdrawn at the last step.

    Args:
        history: of the run, as far as it has come.
        known: what is known of it beside.
    """
    made = diagnose(history, known)
    fresh = not_told_by_the_loop(made.findings, history)
    seen_again = {finding.code for finding in fresh}
    others = [finding for finding in history.findings if not finding.diagnosed]
    before = [one for one in history.findings if one.diagnosed and one.code not in seen_again]
    last_step = max((int(rows[-1].step) for rows in _columns(history) if rows), default=0)
    return DiagnosisView(
        findings=tuple(sorted([*fresh, *others], key=lambda finding: GRAVITY.index(finding.severity))),
        withdrawn=tuple(one if one.withdrawn is not None else replace(one, withdrawn=last_step) for one in before),
        looked_at=made.looked_at,
        impossible=made.impossible,
        steps=last_step,
        epochs=len(history.epochs),
        looks=len(history.probes),
    )


def withdrawn_words(finding: Finding) -> str:
    """Says that the sign of a finding is gone.

    >>> withdrawn_words(Finding(code="dead-units", severity="warn", summary="s", since_step=8, withdrawn=1200))
    'dead-units was told of step 8 and later; its sign is gone at step 1,200'
    """
    since = "" if finding.since_step is None else f" of step {count(finding.since_step)} and later"
    return f"{finding.code} was told{since}; its sign is gone at step {count(finding.withdrawn or 0)}"


def _columns(history: History) -> tuple[tuple[Any, ...], ...]:
    return (history.steps.rows, history.epochs.rows, history.probes.rows)
