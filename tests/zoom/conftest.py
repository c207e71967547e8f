"""The scripted parts as a fixture: test modules are not packages, and cannot import each other."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from kitchen import embedder as embedder
from kitchen import fill as fill
from kitchen import folder as folder
from kitchen import kitchen_mp4 as kitchen_mp4
from kitchen import note as note
from kitchen import store as store


def _load():
    name = "lvqa_tests_zoom_scripted"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("scripted.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def scripted():
    return _load()
