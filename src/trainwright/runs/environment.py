"""What a run ran on: versions, machine, and the very source of the package. Nothing heavy is imported to find out."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
"""The folder of the package's own source."""

_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG")


def environment() -> dict[str, Any]:
    """Lists what could make the same recipe give other numbers, as plain data for `environment.json`.

    Returns:
        `trainwright`, `python`, `packages` (name → version), `system`, `cpu` (model, physical and logical cores, those
        that this process may use), `memory_mib`, `nvidia_driver` or None, `variables` that are set, `source_sha256` of
        the package, and `git` (commit, dirty) or None where the package is not under version control.
    """
    import psutil  # here, since starting a command should not wait for it

    return {
        "trainwright": _version("trainwright"),
        "python": platform.python_version(),
        "packages": packages(),
        "system": platform.platform(),
        "cpu": {
            "model": _cpu_model(),
            "physical_cores": psutil.cpu_count(logical=False),
            "logical_cores": psutil.cpu_count(),
            "usable_cores": _usable_cores(),
        },
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "nvidia_driver": _nvidia_driver(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "source_sha256": source_fingerprint(),
        "git": git_state(),
    }


def packages() -> dict[str, str | None]:
    """Finds the version of every package that trainwright depends on; None where it is not installed."""
    required = metadata.requires("trainwright") or []
    names = sorted({match[0] for line in required if (match := re.match(r"[A-Za-z0-9._-]+", line))}, key=str.lower)
    return {name: _version(name) for name in names}


def source_fingerprint(package: Path = PACKAGE) -> str:
    """Computes one SHA-256 over all files of the package, names included, so that a resume can tell changed code.

    Compiled files do not count.
    """
    total = hashlib.sha256()
    for path in sorted(package.rglob("*"), key=lambda path: path.relative_to(package).as_posix()):
        if "__pycache__" in path.parts or path.suffix == ".pyc" or not path.is_file():
            continue
        name = path.relative_to(package).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def git_state(package: Path = PACKAGE) -> dict[str, Any] | None:
    """Finds the commit of the checkout that tracks the package, and whether the package was changed since.

    A package that was installed into a folder inside somebody's checkout is not tracked by it.
    """
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--", ".")
    return None if commit is None else {"commit": commit, "dirty": bool(changes)}


def environment_differences(earlier: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Lists where two environments differ: (dotted name, earlier, now).

    >>> environment_differences({"cpu": {"model": "a"}}, {"cpu": {"model": "b"}})
    [('cpu.model', 'a', 'b')]
    """
    before, after = dict(_flat(earlier)), dict(_flat(now))
    names = dict.fromkeys([*before, *after])
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in tree.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return pairs


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _usable_cores() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _nvidia_driver() -> str | None:
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r"Kernel Module\D*([0-9.]+)", text)
    return match[1] if match else text.splitlines()[0]


def _git(folder: Path, *arguments: str) -> str | None:
    """Asks git, and takes no answer for "not under version control"."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(
            command, env=variables, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
