"""`trainwright report`."""

from __future__ import annotations

from .options import RunPath


def report(run: RunPath) -> None:
    """Write the report of a run or a search anew: one HTML file that needs no network."""
    from trainwright.reporting import write_report, write_search_report
    from trainwright.runs import SearchFolder, open_run

    search = SearchFolder(run)
    print(write_search_report(search) if search.facts.is_file() else write_report(open_run(run)))
