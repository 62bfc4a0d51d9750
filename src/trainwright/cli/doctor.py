"""`trainwright doctor`."""

from __future__ import annotations

import json as json_module

from .options import Json


def doctor(json: Json = False) -> None:
    """Tell what this machine has: versions, processor, memory, devices, fast paths, and what is missing."""
    from trainwright.workflows.doctor import examine

    facts = examine()
    if json:
        print(json_module.dumps(facts))
        return
    rows = [(name, value) for name, value in facts.items() if not isinstance(value, dict | list)]
    rows += [(package, version or "not installed") for package, version in facts["packages"].items()]
    rows += [(f"cpu {name}", value) for name, value in facts["cpu"].items()]
    rows += [("devices", ", ".join(facts["devices"])), *facts["variables"].items()]
    rows += [(key, f"{choice['value']}: {choice['reason']}") for key, choice in facts["auto"].items()]
    rows += [(f"missing {name}", use) for name, use in facts["missing"].items()]
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {'none' if value is None else value}" for name, value in rows))
