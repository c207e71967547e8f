"""What holds in every test: no real model is loaded unless the test says so, no hub is asked, torch uses few threads.

Imports only pytest and lvqa's light modules, so that it also works where little else is installed (`make test-vlm`).
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

# Before anything imports huggingface_hub, torch or tokenizers: they read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
# One each: tests run side by side, and OpenMP teams that wait for a busy core have hung.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
for _name in [name for name in os.environ if name.startswith("LVQA_")]:
    del os.environ[_name]  # a developer's own settings must not reach the tests

from lvqa.models import base  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real_models: loads real models (from disk: the hub is switched off in all tests)"
    )
    base.forbid_real_models()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Asked for by name (`-m vlm`), these tests fail without torchvision: there it was promised.
    if "vlm" in config.option.markexpr or importlib.util.find_spec("torchvision") is not None:
        return
    for item in items:
        if item.get_closest_marker("vlm") is not None:
            item.add_marker(pytest.mark.skip(reason="needs torchvision: make test-vlm"))


@pytest.fixture(autouse=True)
def _models_by_marker(request: pytest.FixtureRequest) -> Iterator[None]:
    with base.real_models(allowed=request.node.get_closest_marker("real_models") is not None):
        yield


@pytest.fixture
def real_models(_models_by_marker: None) -> Iterator[None]:
    """Allow real models in the test that asks for it; `@pytest.mark.real_models` does the same.

    A session fixture that loads one wraps the load in `lvqa.models.base.real_models(allowed=True)`.
    """
    with base.real_models(allowed=True):
        yield
