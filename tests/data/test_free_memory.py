from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from trainwright.data import free_memory as module
from trainwright.data.free_memory import free_memory


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(module, "OWN_GROUPS", tmp_path / "own")
    return tmp_path


def group(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)


def second(limit: str, used: int, inactive: int) -> dict[str, str]:
    return {"memory.max": limit, "memory.current": f"{used}\n", "memory.stat": f"anon 5\ninactive_file {inactive}\n"}


def test_without_groups_it_is_the_machine_s(groups: Path) -> None:
    assert free_memory() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_a_container_sees_its_group_as_the_root(groups: Path) -> None:
    (groups / "own").write_text("0::/\n")
    group(groups / "cgroup", second("3000\n", 1000, 300))
    assert free_memory() == 2300
    group(groups / "cgroup", second("max\n", 1000, 300))
    assert free_memory() > 1_000_000


def test_the_tightest_of_the_groups_around_counts(groups: Path) -> None:
    (groups / "own").write_text("0::/jobs/mine\n")
    group(groups / "cgroup" / "jobs" / "mine", second("9000\n", 1000, 0))
    group(groups / "cgroup" / "jobs", second("max\n", 1000, 0))
    group(groups / "cgroup", second("5000\n", 1000, 0))
    assert free_memory() == 4000


@pytest.mark.parametrize("visible", ["memory/docker/1", "memory"])
def test_the_first_version_of_groups(groups: Path, visible: str) -> None:
    (groups / "own").write_text("9:cpuset:/\n4:cpu,memory:/docker/1\n0::/\n")
    files = {"memory.limit_in_bytes": "7000", "memory.usage_in_bytes": "6500", "memory.stat": "total_inactive_file 9"}
    group(groups / "cgroup" / visible, files)
    assert free_memory() == 509


def test_more_in_use_than_allowed_leaves_nothing(groups: Path) -> None:
    (groups / "own").write_text("0::/\n")
    group(groups / "cgroup", second("3000", 4000, 0))
    assert free_memory() == 0
