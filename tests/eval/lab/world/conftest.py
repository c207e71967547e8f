from __future__ import annotations

import pytest

from lvqa.eval.lab.world.build import WorldSet, build
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.eval.lab.world.scenes.truth import VideoTruth


@pytest.fixture(scope="session")
def truths() -> tuple[VideoTruth, ...]:
    """Eight videos of ten minutes, of four seeds; not rendered."""
    return tuple(video for seed in range(4) for video in make_videos(20, seed, 2))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> WorldSet:
    """Two rendered videos, four minutes in all."""
    return build(tmp_path_factory.mktemp("world") / "w", 4, 11, videos=2)
