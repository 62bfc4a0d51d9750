"""What a run writes down besides what it must."""

from __future__ import annotations

from typing import Literal

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
    experiments: Literal["suspicion", "never"] = setting(
        "suspicion",
        "Experiments on copies of the net that are thrown away. `suspicion`: where the diagnosis suspects a cause that "
        "an experiment would confirm or refute, up to three a run, which take at most 5 % of the time; they change "
        "nothing that is learned. `never`: none. On the command line and in Python `auto` stands for `suspicion`.",
        source="own choice",
        needs="watch",
        also_called={"suspicion": ("auto", "on-suspicion"), "never": ("none", "off")},
    )
    tensorboard: bool = setting(
        False,
        "Write TensorBoard event files into the run folder too. Needs the extra `tensorboard`.",
        source="TensorBoard",
    )
