"""Healthy runs, among them ugly ones: whatever looks odd and is in order, as changes of an ordinary spec."""

from __future__ import annotations

from faults import BATCH_NORM, UNNORMALIZED, Changes

UGLY: tuple[tuple[str, tuple[str, ...], tuple[Changes, ...]], ...] = (
    ("fast SGD with batch norm", BATCH_NORM, ({"rate": 2.0, "momentum": 0.9}, {"rate": 3.0, "schedule": "warm-up"})),
    ("warm-up", (), ({"schedule": "warm-up"}, {"schedule": "warm-up", "optimizer": "adam"})),
    ("restarts", (), ({"schedule": "restarts"}, {"schedule": "restarts", "optimizer": "adamw"})),
    ("one-cycle", (), ({"schedule": "one-cycle"}, {"schedule": "one-cycle", "optimizer": "adam"})),
    ("steps", (), ({"schedule": "steps"}, {"schedule": "steps", "optimizer": "adam"})),
    ("constant rate", (), ({"schedule": "constant", "epochs": 20, "rate": 0.5},)),
    ("heavy augmentation", (), ({"augment": "heavy", "epochs": 16}, {"augment": "heavy", "validate": "own"})),
    ("mixup", (), ({"mixup": True}, {"mixup": True, "optimizer": "adam"})),
    ("dropout", (), ({"dropout": 0.6}, {"dropout": 0.5, "optimizer": "adamw", "decay": 0.01})),
    ("sparse units", BATCH_NORM, ({"bias": -0.5, "optimizer": "adam", "epochs": 20}, {"bias": -0.5, "epochs": 20})),
    ("frozen backbone", (), ({"pretrained": 6, "frozen": 0.99, "rate": 2.0}, {"pretrained": 6, "frozen": 0.5})),
    ("fine-tuning", (), ({"pretrained": 12, "optimizer": "adam", "rate": 0.01}, {"pretrained": 12, "rate": 0.02})),
    ("taken up again", (), ({"pretrained": 3, "optimizer": "adam", "rate": 0.5},)),
    ("smoothing", (), ({"smoothing": 0.1}, {"smoothing": 0.2, "optimizer": "adam"})),
    ("clipped at half of the steps", (), ({"clip": 1.0}, {"clip": 2.0, "optimizer": "adam"})),
    ("small batch with group norm", ("resnet-gn", "plain", "lenet"), ({"batch": 4, "rate": 0.3, "epochs": 6},)),
    (
        "small batch",
        (),
        ({"batch": 8, "rate": 0.4, "epochs": 8}, {"batch": 8, "optimizer": "adam", "rate": 0.5, "epochs": 8}),
    ),
    ("large batch", (), ({"batch": 96, "rate": 2.0, "epochs": 30}, {"batch": 64, "optimizer": "adam", "epochs": 20})),
    ("accumulated", (), ({"batch": 12, "accumulate": 2}, {"batch": 6, "accumulate": 4, "optimizer": "adam"})),
    ("scaled to 1", (), ({"center": False}, {"center": False, "optimizer": "adam"})),
    ("no validation", (), ({"validate": "none"}, {"validate": "none", "optimizer": "adam"})),
    ("validated by hand", (), ({"validate": "own"}, {"validate": "own", "optimizer": "adam"})),
    ("weights by counts", (), ({"weight": 0.0, "optimizer": "adam"},)),
    ("uneven, harmless", (), ({"rare": 0.5}, {"rare": 0.5, "weight": 0.0})),
    ("a tenth of pictures, augmented", (), ({"pictures": 192, "epochs": 20, "decay": 1e-3},)),
    ("other optimizer", (), ({"optimizer": "rmsprop", "rate": 0.3}, {"momentum": 0.0, "rate": 5.0})),
    ("strong decay that helps", BATCH_NORM, ({"decay": 5e-3}, {"optimizer": "adamw", "decay": 0.1})),
    ("leaky or smooth units", (), ({"activation": "leaky"}, {"activation": "gelu", "optimizer": "adam"})),
    ("bfloat16", UNNORMALIZED, ({"autocast": True},)),
    ("longer", (), ({"epochs": 24},)),
)
"""Name, nets on which it is in order (empty for all), and the changes of one run each."""
