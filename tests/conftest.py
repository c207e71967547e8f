"""What holds in every test: no real model is loaded unless the test says so, no hub is asked, torch uses few threads.

Tests wait for events, never for the clock: a line on a pipe, a process that ends, an Event, a file that appears
(`until`). None says how long that may take; `timeout` in pyproject.toml ends a test that hangs, and is far away. No
test asserts speed: `python -m lvqa.eval.lab.bench` does. What a test asks of a patience of the product (a lock's wait,
a decoder's stall) it sets so low that it must run out, or so high that no load of the machine can make it.

Imports only pytest and lvqa's light modules, so that it also works where little else is installed (`make test-vlm`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Before anything imports huggingface_hub, torch or tokenizers: they read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
# One each: tests run side by side, and OpenMP teams that wait for a busy core have hung.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
for _name in [name for name in os.environ if name.startswith("LVQA_")]:
    del os.environ[_name]  # a developer's own settings must not reach the tests

import real  # noqa: E402

with contextlib.suppress(ImportError):
    from hypothesis import HealthCheck, settings

    # By default an example that takes 0.2 s fails, and so does a test whose examples are slow to draw.
    settings.register_profile("events", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("events")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real_models: loads real models (from disk: the hub is switched off in all tests)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Asked for by name (`-m vlm`), these tests fail without torchvision: there it was promised.
    if "vlm" in config.option.markexpr or importlib.util.find_spec("torchvision") is not None:
        return
    for item in items:
        if item.get_closest_marker("vlm") is not None:
            item.add_marker(pytest.mark.skip(reason="needs torchvision: make test-vlm"))


@pytest.fixture(autouse=True)
def _models_by_marker(request: pytest.FixtureRequest) -> Iterator[None]:
    with real.real_models(allowed=request.node.get_closest_marker("real_models") is not None):
        yield


@pytest.fixture
def real_models(_models_by_marker: None) -> Iterator[None]:
    """Allow real models in the test that asks for it; `@pytest.mark.real_models` does the same.

    A session fixture that loads one wraps the load in `real.real_models(allowed=True)`.
    """
    with real.real_models(allowed=True):
        yield


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """`until(happened)` returns once `happened()` is true: for what another process does and nothing tells of.

    Where that process may end without it, `happened` must say so as well.
    """

    def wait(happened: Callable[[], object]) -> None:
        while not happened():
            time.sleep(0.005)  # how often it is looked, not how long it is waited

    return wait


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[Any]]]:
    """`subprocess.Popen`, whose processes are gone when the test is over, however it ends."""
    spawned: list[subprocess.Popen[Any]] = []

    def start(*command: Any, **how: Any) -> subprocess.Popen[Any]:
        spawned.append(subprocess.Popen(*command, **how))
        return spawned[-1]

    yield start
    for process in spawned:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
