"""A scripted archive whose truth is known: two videos whose frames tell their own time, and a model that sees it.

It is that of the programs over time; test modules are not packages, so that it is loaded from there.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.store import Store
from lvqa.tools import Eyes, Ledger, Workbench, filter_of
from lvqa.types import Budget, Scope
from lvqa.zoom import frame_cache


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "temporal" / "conftest.py"
    spec = importlib.util.spec_from_file_location("lvqa_tests_tools_contract_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


world = _load()
clocks, index = world.clocks, world.index


class Sights(world.Scores):
    """The world's image embedder, which takes any text: what names no thing is near to nothing."""

    def encode_query(self, texts: Sequence[str]) -> np.ndarray:
        known = [next((thing for thing in world.THINGS if thing in text), "nothing") for text in texts]
        vectors: np.ndarray = super().encode_query([f"a {thing}" for thing in known])
        return vectors


def say(request: Any) -> str:
    """What is to be seen on any of the frames, where the model is asked to describe them."""
    if "What we need to know" not in request.prompt and "factual caption" not in request.prompt:
        return world.say(request)
    seen = {thing: place for frame in request.frames for thing, place in world.there(*world.read(frame)).items()}
    return ", ".join(f"a {thing} at the {place}" for thing, place in seen.items())


def judge(request: Any) -> float:
    """Whether what a statement names is there on a frame; of the short question, what the world says."""
    if "A statement about them" not in request.prompt:
        return world.yes(request)
    claim = request.prompt.split("```data\n")[1].split("\n```")[0]
    now = {thing for frame in request.frames for thing in world.there(*world.read(frame))}
    return 0.97 if any(re.search(rf"\b{thing}\b", claim) for thing in now) else 0.02


@pytest.fixture
def script() -> ModuleType:
    """The world: what is to be seen when, and a small model's replies to its own short questions."""
    return world


@pytest.fixture
def vision() -> FakeVision:
    return FakeVision(say, judge)


@pytest.fixture
def bench(index: Store, clocks: Path, vision: FakeVision) -> Iterator[Callable[..., Workbench]]:
    """A workbench over the two videos; models, budget, scope and store come by name."""
    with frame_cache(768) as cache:

        def make(**given: Any) -> Workbench:
            store, folder = given.pop("store", index), given.pop("folder", clocks)
            eye = given.pop("vision", vision)
            models = Models.of(vision=eye, image_embedder=given.pop("image_embedder", Sights()))
            settings, ledger = Settings(), Ledger(given.pop("budget", Budget(frames=96, vlm_calls=96)))
            retriever = Retriever(store, None, models.image_embedder)
            eyes = Eyes(eye, ledger, folder, settings, retriever.path, cache) if eye is not None else None
            chosen = filter_of(given.pop("scope", Scope()), store)
            return Workbench(store, models, settings, folder, ledger, retriever, cache, eyes, chosen, **given)

        yield make


@pytest.fixture
def shown(vision: FakeVision) -> Callable[[], tuple[int, int]]:
    """How many frames, in how many requests, reached the model."""

    def count() -> tuple[int, int]:
        made = [len(request.frames) for call in (*vision.calls, *vision.yes_calls) for request in call]
        return sum(made), len(made)

    return count
