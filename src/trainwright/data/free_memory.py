"""How much memory this process may still take: the machine's, or its container's or job's where that is less.

A container or a batch job holds its processes to a limit that the machine's own figures do not show. Both versions of
Linux's control groups are read, the group of this process and those around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def free_memory() -> int:
    """Returns the bytes that can still be used; pages of files that the system would let go of count as free.

    Source: Linux kernel documentation, admin-guide/cgroup-v1/memory and admin-guide/cgroup-v2.
    """
    return min([psutil.virtual_memory().available, *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """Yields what each limited control group of this process has left."""
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _left(CGROUPS, path, "memory.max", "memory.current", "inactive_file")
            yield from _left(CGROUPS / "unified", path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _left(CGROUPS / "memory", path, *files)


def _left(root: Path, path: str, limit: str, usage: str, let_go: str) -> Iterator[int]:
    """Yields what a group and those around it have left; of a container, only the outermost may be visible.

    Args:
        root: where the groups are mounted.
        path: of the group, from the root, with a slash in front.
        limit, usage: files of one number of bytes each; a limit may also be the word `max`.
        let_go: row of `memory.stat` with the bytes that the system would let go of.
    """
    inner = root / path.lstrip("/")
    for group in (inner, *inner.parents):
        try:
            allowed = (group / limit).read_text().strip()
            used = int((group / usage).read_text())
            rows = dict(row.split() for row in (group / "memory.stat").read_text().splitlines())
        except OSError:
            pass
        else:
            if allowed != "max":
                yield max(0, int(allowed) - used + int(rows.get(let_go, 0)))
        if group == root:
            return
