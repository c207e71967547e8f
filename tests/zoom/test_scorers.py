"""What scorers make of frames: batches, crops, similarity with and without an index, yes and no."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lvqa.errors import MediaError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import probe
from lvqa.models.fake import COLOURS, FakeDetector, FakeImageEmbedder, FakeVision
from lvqa.zoom import SEARCHERS, Query, SearchBudget, make_searcher
from lvqa.zoom.footage import Footage, cropped, fitted, frame_cache
from lvqa.zoom.scorers import Detection, Scorers, Similarity, Yes

RED_S = (6, 9)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    frames = []
    for n in range(16 * 4):
        frame = np.full((48, 64, 3), COLOURS["blue"], np.uint8)
        if RED_S[0] * 4 <= n < RED_S[1] * 4:
            frame[8:24, 8:24] = COLOURS["red"]
        frames.append(frame)
    return write_video(tmp_path_factory.mktemp("zoom") / "film.mp4", frames, fps=4)


@pytest.fixture
def video(film):
    with Footage("v", 16.0, film) as footage:
        yield footage


def test_each_frame_has_its_own_boxes(video, monkeypatch):
    monkeypatch.setattr("lvqa.zoom.scorers._BATCH", 3)
    detector = FakeDetector()
    scores = Detection(detector).score_each(video.at([1, 7, 2, 12, 7.5]), ["red"])[:, 0]
    assert (scores > 0.5).tolist() == [False, True, False, False, True]
    assert [calls for calls, _ in detector.calls] == [3, 2]


def test_a_detector_reads_crops(video):
    whole = Detection(FakeDetector()).score_each(video.at([7]), ["red"])
    corner = video.at([7])
    corner = type(corner)(video, (7.0, 7.0), ((0.0, 0.0, 0.6, 0.6), (0.6, 0.6, 1.0, 1.0)))
    assert whole[0, 0] > 0.5
    assert (Detection(FakeDetector()).score_each(corner, ["red"])[:, 0] > 0.5).tolist() == [True, False]


def test_frames_are_decoded_once_whatever_looks_at_them(film):
    with frame_cache(768) as cache, Footage("v", 16.0, film, cache=cache) as video:
        for scorer in (Detection(FakeDetector()), Yes(FakeVision()), Similarity(FakeImageEmbedder(), index=False)):
            scorer.score_each(video.at([1, 7, 7.1, 12]), ["red"])
    assert cache.decoded == 3


def test_yes_is_a_request_a_thing_and_calibrated(video):
    vision = FakeVision("", lambda request: 0.95 if "red" in request.prompt else 0.2)
    scores = Yes(vision).score_each(video.at([7, 8]), ["red", "green"])
    assert scores == pytest.approx(np.array([[0.95, 0.2]] * 2))
    assert Yes(vision, even=0.95).score_each(video.at([7]), ["red"]) == pytest.approx(np.array([[0.5]]))


def test_similarity_stands_out_from_what_it_is_measured_against(video):
    scorer = Similarity(FakeImageEmbedder())
    scores = scorer.score_each(video.at([1, 7]), ["red"])
    assert scores[1, 0] > scores[0, 0]
    presence = scorer.presence(scores, video, ["red"])
    assert presence.shape == (2, 1)
    assert ((presence >= 0) & (presence <= 1)).all()


def test_every_searcher_runs_on_a_real_file(film):
    scorers = Scorers(Similarity(FakeImageEmbedder()), yes=Yes(FakeVision("", _red)))
    for name in ("tstar", "gens", "lvqa"):
        with Footage("v", 16.0, film) as video:
            found = make_searcher(name, scorers).search(video, Query(("red",)), SearchBudget(4, 40), 1)
        assert any(RED_S[0] <= frame.time_s < RED_S[1] for frame in found.keyframes), name


def _red(request) -> float:
    frame = request.frames[0].astype(int)
    return 0.99 if (frame[..., 0] - frame[..., 2]).max() > 60 else 0.01


def test_a_file_that_is_gone_is_one_line():
    with pytest.raises(MediaError, match="is not there"):
        Footage("v", 16.0).decoded([1.0])


def test_pictures_are_cut_and_scaled():
    picture = np.zeros((8, 12, 3), np.uint8)
    picture[:4, 6:] = 2
    assert cropped(picture, (0.5, 0.0, 1.0, 0.5)).tolist() == picture[:4, 6:].tolist()
    assert cropped(picture, (0.999, 0.999, 1.0, 1.0)).shape == (1, 1, 3)
    assert fitted(picture, 6).shape == (4, 6, 3)
    assert fitted(picture, 100).shape == picture.shape


MEDIA = Path(__file__).parents[4] / "shared" / "media"
FOOTAGE = sorted(p for p in MEDIA.glob("*.*") if p.suffix in (".mp4", ".webm")) if MEDIA.is_dir() else []


@pytest.mark.skipif(not FOOTAGE, reason="the development footage is not beside this checkout")
@pytest.mark.parametrize("name", SEARCHERS)
def test_real_footage_is_searched(name):
    scorers = Scorers(Similarity(FakeImageEmbedder()), yes=Yes(FakeVision("", 0.3)))
    for path in FOOTAGE[:3]:
        duration_s = probe(path).duration_s
        with Footage("v", duration_s, path) as video:
            found = make_searcher(name, scorers).search(video, Query(("a person",), ("a door",)), SearchBudget(4, 8), 0)
        assert 0 < len(found.keyframes) <= 4
        assert found.trace.looked <= 8
        assert all(0 <= frame.time_s < duration_s for frame in found.keyframes)
