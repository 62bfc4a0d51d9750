"""What all tests share: one thread a process, a cache of their own, no clock in property tests, and no silent skips
in CI."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from hypothesis import HealthCheck, settings

from every_raise import begin, pytest_sessionfinish  # noqa: F401  a hook of pytest's

begin()
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("no clock")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives each test a cache folder of its own, so that none finds what another left."""
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turns a skip into a failure in CI: what is missing there must be installed, not passed over."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {report.longrepr}"
    return report
