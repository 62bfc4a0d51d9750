"""`trainwright doctor`."""

from __future__ import annotations

from .options import Json


def doctor(json: Json = False) -> None:
    """Tell what this machine has: versions, processor, memory, devices, fast paths, and what is missing."""
    from trainwright.reporting import machine_lines
    from trainwright.runs import to_json
    from trainwright.workflows.doctor import examine

    facts = examine()
    print(to_json(facts) if json else "\n".join(machine_lines(facts)))
