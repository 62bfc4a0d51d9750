"""`trainwright report`."""

from __future__ import annotations

from .options import RunPath


def report(run: RunPath) -> None:
    """Write a run's report anew: one HTML file that needs no network."""
    from trainwright.reporting import write_report
    from trainwright.runs import open_run

    print(write_report(open_run(run)))
