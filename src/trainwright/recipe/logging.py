"""What a run writes down besides what it must."""

from __future__ import annotations

from .section import Section, setting


class LoggingSection(Section):
    """The section `logging`."""

    step_every: int = setting(
        10,
        "A step record is written to events.jsonl every so many optimizer steps.",
        unit="steps",
        source="own choice",
        ge=1,
        le=1_000_000,
    )
    watch: bool = setting(
        True,
        "Watch every layer while the net learns: weights, gradients and updates of some steps, and what units and "
        "answers are on pictures that stay the same. It changes nothing that is learned, and takes about 4 % of the "
        "time.",
        source="own choice",
    )
    tensorboard: bool = setting(
        False,
        "Write TensorBoard event files into the run folder too. Needs the extra `tensorboard`.",
        source="TensorBoard",
    )
