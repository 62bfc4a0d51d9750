"""Draws docs/pictures/schedules.svg: the learning rate of every schedule, by the code of `trainwright recipe --plot`.

    uv run python benchmarks/draw/schedules.py

20 epochs of 100 steps with the schedules' own defaults, but for the settings that the pictures name.
"""

from __future__ import annotations

import re

from paper import EDGE, write_picture

from trainwright.recipe import compose, parse_assignments
from trainwright.reporting.charts.schedule import schedule_chart
from trainwright.workflows.schedule import plan_schedule

SHOWN = {
    "one-cycle": (),
    "cosine": ("warmup=0.05",),
    "cosine-restarts": ("warmup=0.05", "cycle_decay=0.7"),
    "linear": ("warmup=0.05",),
    "triangular": ("warmup=0.2", "cycle_decay=0.5"),
    "step": ("warmup=0.05",),
    "plateau": ("warmup=0.05",),
    "inverse-sqrt": ("warmup=0.05",),
    "constant": ("warmup=0.05",),
}
COLUMNS, WIDTH, HEIGHT, HEAD = 3, 280, 180, 14


def main() -> None:
    parts = []
    for place, (name, given) in enumerate(SHOWN.items()):
        words = [f"schedule.{word}" for word in given]
        fixed = [f"schedule.name={name}", "training.epochs=20", "optim.batch_size=100", "optim.lr=0.25"]
        chart = str(schedule_chart(plan_schedule(compose(parse_assignments([*fixed, *words])), 10_000)))
        # The pointers of the single chart, its title and its mark would be too much for nine beside each other.
        chart = re.sub(
            r'<g class="pointer">.*?</g>|<text class="(heading|tick strong)".*?</text>', "", chart, flags=re.S
        )
        x, y = EDGE + place % COLUMNS * (WIDTH + EDGE), EDGE + place // COLUMNS * (HEIGHT + HEAD + EDGE)
        size = f'x="{x}" y="{y + HEAD}" width="{WIDTH}" height="{HEIGHT}"'
        heading = f'<text class="heading" x="{x}" y="{y + 12}">{name}</text>'
        told = f'<text class="tick" x="{x}" y="{y + 28}">{", ".join(given)}</text>'
        parts.append(heading + told + chart.replace("<svg ", f"<svg {size} ", 1))
    rows = -(-len(SHOWN) // COLUMNS)
    width, height = EDGE + COLUMNS * (WIDTH + EDGE), EDGE + rows * (HEIGHT + HEAD + EDGE)
    told = "The learning rate of nine schedules over 2,000 steps"
    write_picture("schedules", width, height, told, "".join(parts), "svg { overflow: visible; }")


if __name__ == "__main__":
    main()
