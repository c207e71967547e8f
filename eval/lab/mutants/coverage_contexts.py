"""A pytest plugin that tells coverage which test runs, so that each line knows the tests that reach it."""

from __future__ import annotations

from coverage import Coverage


def pytest_runtest_logstart(nodeid: str, location: tuple[str, int | None, str]) -> None:
    """Called by pytest before each test."""
    running = Coverage.current()
    if running is not None:
        running.switch_context(nodeid)
