from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trainwright.recipe import Choice
from trainwright.reporting import RunPlan
from trainwright.reporting.terminal.opening import opening

PLAN = RunPlan(
    folder=Path("runs/first"),
    data="digits",
    parts={"train": 1294, "valid": 143, "test": 0},
    classes=("cat\x1b[2J", *"abcdefghijk"),
    img_size=8,
    channels=1,
    model="small-resnet",
    parameters=77_850,
    multiply_adds=1_234_567,
    epochs=30,
    steps_per_epoch=20,
    batch_size=64,
    device="cpu",
    precision="float32",
    rejected=tuple((f"cat/{n}.jpg", "ends in mid-picture") for n in range(7)),
    choices=(Choice("model.name", "small-resnet", "pictures of 8 pixels are too small for nets made for 224 of them"),),
    resumed_at=(3, 41),
)


def text(plan: RunPlan, width: int = 80) -> str:
    return "\n".join(line.plain() for line in opening(plan, width))


def test_the_opening_says_data_model_machine_and_choices() -> None:
    assert (
        text(PLAN)
        == """
  run       runs/first
  data      digits: 1,437 pictures of 12 classes, seen as 8×8 gray
            train 1,294 · valid 143 · no test
            classes: cat\\x1b[2J, a, b, c, d, e, f, g, h, i and 2 more
  rejected  7 pictures cannot be used and are left out:
              cat/0.jpg: ends in mid-picture
              cat/1.jpg: ends in mid-picture
              cat/2.jpg: ends in mid-picture
              cat/3.jpg: ends in mid-picture
              cat/4.jpg: ends in mid-picture
              and 2 more, all listed in data/rejected.csv
  model     small-resnet: 77,850 parameters, 1.23 M multiply-adds a picture
  training  30 epochs of 20 steps, batches of 64 pictures
            on cpu, float32
            goes on in epoch 3, after step 41 of the run

  chosen by auto
    model.name  small-resnet  pictures of 8 pixels are too small for nets made
                              for 224 of them
"""
    )


def test_nothing_rejected_nothing_chosen_nothing_said() -> None:
    quiet = text(replace(PLAN, rejected=(), choices=(), resumed_at=None, multiply_adds=None, channels=3))
    for word in ("rejected", "auto", "goes on", "multiply"):
        assert word not in quiet
    assert "8×8 color" in quiet


def test_what_is_cut_off_is_said_with_the_setting_that_keeps_it() -> None:
    said = " ".join(text(replace(PLAN, cut=12, cut_median_share=1 / 3)).split())
    assert (
        "12 pictures are not square: crop cuts off 33.3 % of the area (median); data.fit=pad or squash "
        "keeps all of it" in said
    )
    assert "square" not in text(PLAN)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_lines_keep_to_the_width(width: int) -> None:
    assert max(map(len, text(PLAN, width).split("\n"))) <= width


def test_a_long_path_is_never_broken() -> None:
    path = Path("/data/" + "very-long-name/" * 9 + "run")
    assert f"  run       {path}\n" in text(replace(PLAN, folder=path))
