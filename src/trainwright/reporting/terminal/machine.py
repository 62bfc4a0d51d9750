"""What a machine has, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def machine_lines(facts: Mapping[str, Any]) -> list[str]:
    """Lists the facts of `trainwright doctor`, one a line: name, value.

    Args:
        facts: see `workflows.doctor.examine`.
    """
    rows = [(name, value) for name, value in facts.items() if not isinstance(value, dict | list)]
    rows += [(package, version or "not installed") for package, version in facts["packages"].items()]
    rows += [(f"cpu {name}", value) for name, value in facts["cpu"].items()]
    rows += [("devices", ", ".join(facts["devices"])), *facts["variables"].items()]
    rows += [(key, f"{choice['value']}: {choice['reason']}") for key, choice in facts["auto"].items()]
    rows += [(f"missing {name}", use) for name, use in facts["missing"].items()]
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {'none' if value is None else value}" for name, value in rows]
