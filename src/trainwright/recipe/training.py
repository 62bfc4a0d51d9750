"""How long, from which seed, and which weights are kept."""

from __future__ import annotations

from .section import Auto, Section, setting


class TrainingSection(Section):
    """The section `training`."""

    epochs: int | Auto = setting(
        "auto",
        "Passes over the training part; each leaves out what does not fill a batch, other pictures every time. `auto`: "
        "by the number of training pictures.",
        unit="epochs",
        source="own choice",
        scale="log",
        ge=1,
        le=100_000,
    )
    seed: int = setting(
        0,
        "Number that all randomness is a function of: split, order, augmentation, initialization, dropout.",
        source="own choice",
        ge=0,
        le=2**31 - 1,
    )
    ema: float = setting(
        0.995,
        "Decay a step of the running average of the weights; where it is above 0, the average is what is evaluated, "
        "kept and shipped. Early on the decay is min(ema, (1+t)/(10+t)). 0: off.",
        source="Polyak & Juditsky 1992; the ramp as in TensorFlow's ExponentialMovingAverage",
        ge=0.0,
        lt=1.0,
    )
    reestimate_batch_norm: bool = setting(
        False,
        "After every epoch, count the running statistics of batch normalization anew over the whole training part, "
        "without augmentation, in the weights that are evaluated, kept and shipped. Costs one pass forward over the "
        "training part an epoch, which counts as time of validation.",
        source="Wu & Johnson 2021, section 3.1",
    )
    patience: int = setting(
        0,
        "Epochs without a better validation accuracy after which training stops. 0: never. The best snapshot is kept "
        "either way.",
        unit="epochs",
        source="Prechelt 1998",
        ge=0,
        le=100_000,
    )
    checkpoint_every_s: float = setting(
        60.0,
        "A checkpoint is written at the end of every epoch, and within one when this much time has passed.",
        unit="seconds",
        source="own choice",
        ge=0.0,
        le=604_800.0,
    )
