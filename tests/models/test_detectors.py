"""One contract for every Detector, and the geometry of OWLv2's boxes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError
from lvqa.models.base import Box, Detector
from lvqa.models.detect import HfDetector, nearest_label
from lvqa.models.fake import COLOURS, FakeDetector
from lvqa.models.registry import load_detector


@pytest.fixture(params=["fake", "owlv2"])
def detector(request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> Detector:
    if request.param == "fake":
        return FakeDetector(tolerance=100)
    model: HfDetector = loaded(load_detector, "hf:{}", "owlv2")
    model.threshold = 0.0
    return model


LABELS = ["a red sofa", "the green dog", "milk"]


def test_boxes_lie_inside_and_come_best_first(detector: Detector, frames: list[np.ndarray]) -> None:
    assert isinstance(detector, Detector)
    found = detector.detect(frames, LABELS)
    assert len(found) == len(frames)
    assert any(found)
    for frame, boxes in zip(frames, found, strict=True):
        scores = [box.score for box in boxes]
        assert scores == sorted(scores, reverse=True)
        for box in boxes:
            x0, y0, x1, y1 = box.xyxy
            assert 0 <= x0 < x1 <= frame.shape[1]
            assert 0 <= y0 < y1 <= frame.shape[0]
            assert 0 <= box.score <= 1
            assert box.label in LABELS


def test_nothing_in_nothing_out(detector: Detector, frames: list[np.ndarray]) -> None:
    assert detector.detect([], LABELS) == []
    assert detector.detect(frames[:2], []) == [[], []]


def _near(one: list[list[Box]], other: list[list[Box]]) -> None:
    assert [[box.label for box in boxes] for boxes in one] == [[box.label for box in boxes] for boxes in other]
    for boxes, others in zip(one, other, strict=True):
        np.testing.assert_allclose([b.score for b in boxes], [b.score for b in others], atol=1e-4)
        np.testing.assert_allclose([b.xyxy for b in boxes], [b.xyxy for b in others], atol=1e-2)


def test_a_batch_is_what_its_images_are(detector: Detector, frames: list[np.ndarray]) -> None:
    together = detector.detect(frames * 2, LABELS)
    _near(together, [detector.detect([frame], LABELS)[0] for frame in frames * 2])


def test_boxes_of_a_wide_picture_are_where_the_model_saw_them(loaded: Callable[..., Any]) -> None:
    # The tiny model sees a 4 x 4 grid over the square that OWLv2 pads a picture to: over 120 x 40 pixels, its boxes are
    # 30 x 30 around (30, 30), (60, 30) ...; the lower rows lie in the padding, the edge of the picture cuts the rest.
    model = loaded(load_detector, "hf:{}", "owlv2")
    model.threshold = 0.0
    (boxes,) = model.detect([np.zeros((40, 120, 3), np.uint8)], ["milk"])
    corners = sorted(tuple(round(v) for v in box.xyxy) for box in boxes)
    assert corners == [(15, 15, 45, 40), (45, 15, 75, 40), (75, 15, 105, 40), (105, 15, 120, 40)]


def test_a_threshold_drops_the_doubtful(loaded: Callable[..., Any], frames: list[np.ndarray]) -> None:
    model = loaded(load_detector, "hf:{}", "owlv2")
    model.threshold = 0.0
    everything = model.detect(frames[:1], LABELS)[0]
    model.threshold = sorted(box.score for box in everything)[len(everything) // 2]
    kept = model.detect(frames[:1], LABELS)[0]
    assert 0 < len(kept) < len(everything)
    model.threshold = 0.0


def test_a_label_longer_than_the_text_tower(loaded: Callable[..., Any], frames: list[np.ndarray]) -> None:
    model = loaded(load_detector, "hf:{}", "owlv2")
    assert len(model.detect(frames[:1], ["a very long thing " * 30])) == 1


@pytest.mark.parametrize(
    ("found", "label"),
    [("milk", "milk"), ("sofa", "a red sofa"), ("dog the", "the green dog"), ("A RED", "a red sofa")],
)
def test_words_that_a_model_matched_stand_for_a_label(found: str, label: str) -> None:
    assert nearest_label(found, LABELS) == label


@pytest.mark.real_models
def test_a_model_that_does_not_detect(tiny: Callable[[str], Path]) -> None:
    with pytest.raises(ModelError) as caught:
        load_detector(f"hf:{tiny('clip')}")
    assert "\n" not in str(caught.value)


def test_the_fake_finds_colours() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:10, 12:20] = COLOURS["red"]
    assert FakeDetector().detect([image], ["the red ball", "green"]) == [[Box("the red ball", 1.0, (12, 5, 20, 10))]]
