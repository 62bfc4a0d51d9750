"""`trainwright doctor`."""

from __future__ import annotations

import json as json_module

from .options import Json


def doctor(json: Json = False) -> None:
    """Tell what this machine has: versions, processor, memory, devices, fast paths, and what is missing."""
    from trainwright.workflows.doctor import examine

    rows = examine()
    if json:
        print(json_module.dumps(rows))
    else:
        width = max(map(len, rows))
        print("\n".join(f"{name:<{width}}  {value}" for name, value in rows.items()))
