"""Where the index says that things may be: captions, speech, cues and the visual channel."""

from __future__ import annotations

import numpy as np
import pytest

from lvqa.language.words import names
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.store import Filter
from lvqa.temporal.change_searches import ChangePresence
from lvqa.temporal.presence import Coverage, Presence, spread
from lvqa.temporal.rules import RULES
from lvqa.tools.ledger import Ledger
from lvqa.tools.proposals import SearcherProposals
from lvqa.types import Budget, Span
from lvqa.zoom.salience import peaks, robust_z, salience


@pytest.fixture
def presence(index, clocks, scores):
    def make(image_embedder=scores, cues=(), filter=None, searcher=None):
        proposals = None
        if searcher is not None:
            models = Models.of(image_embedder=image_embedder)
            proposals = SearcherProposals(searcher, index, models, Settings(), clocks, Ledger(Budget()), filter, cues)
        return Presence(index, image_embedder, filter, cues, proposals)

    return make


def test_all_words_stand_in_one_phrase():
    text = "grass, a large red star at the left, a blue ring in the middle"
    assert names(text, "red star")
    assert not names(text, "blue star")
    assert names(text, "blue star", whole=True)


def test_the_visual_channel_finds_what_stands_out(presence):
    best = presence().candidates("a.mp4", "red star")[0]
    assert 20 <= best.time_s < 21.5
    assert best.by == "frames"


def test_captions_and_speech_lead_without_it(presence):
    found = presence(None).candidates("b.mp4", "orange diamond")
    assert found[0].by in ("caption", "speech")
    assert abs(found[0].time_s - 13) < 3
    nothing = presence(None).candidates("b.mp4", "white moon")
    assert {candidate.by for candidate in nothing} == {"spread"}


def test_a_filter_is_kept_to(presence):
    found = presence(filter=Filter(span=Span(30, 60)))
    assert all(30 <= c.time_s < 60 for c in found.candidates("a.mp4", "red star"))
    assert all(note.span.end_s > 30 for note in found.captions("a.mp4"))


def test_cues_raise_what_is_near_them(presence):
    plain = {c.time_s: c.score for c in presence().candidates("a.mp4", "white moon")}
    cued = {c.time_s: c.score for c in presence(cues=("black moon",)).candidates("a.mp4", "white moon")}
    raised = [t for t in plain.keys() & cued.keys() if cued[t] > plain[t]]
    assert raised
    assert all(any(note.span.contains(t) for note in presence().captions("a.mp4")) for t in raised)


def test_dips_are_where_it_is_gone(presence):
    assert 25 <= ChangePresence.of(presence()).dips("a.mp4", "green square")[0].time_s < 26.5
    assert 33 <= ChangePresence.of(presence()).dips("a.mp4", "white circle", "purple circle")[0].time_s < 35


def test_shifts_are_where_captions_put_it_elsewhere(presence):
    before_s, after_s, alike = ChangePresence.of(presence()).shifts("a.mp4", "yellow cross")[0]
    assert before_s < 45.25
    assert after_s > 44.75
    assert alike > 0.3


def test_coverage_is_the_spacing_of_what_was_seen(presence):
    assert presence().coverage("a.mp4").spacing_s == 0.5
    assert presence(None).coverage("a.mp4").spacing_s == 6
    assert presence(None).coverage("a.mp4").share == 1


def test_what_was_seen_of_half_a_video_covers_half(presence, monkeypatch):
    monkeypatch.setattr(Presence, "within", lambda known, video_id: Span(0.0, 20.0))
    monkeypatch.setattr(Presence, "series", lambda known, video_id, phrase: (np.arange(10.0), np.zeros(10)))
    assert presence().coverage("a.mp4") == Coverage(1.0, 0.5)


def test_robust_scores():
    values = np.array([0.1, 0.11, 0.09, 0.1, 0.1, 0.9, 0.1, 0.1])
    assert np.argmax(robust_z(values)) == 5
    assert np.all(robust_z(np.ones(5)) == 0)
    times = np.arange(0, 100, 0.5)
    cosines = np.where(times > 50, 0.5, 0.1) + np.where(times == 20, 0.2, 0)
    assert times[np.argmax(salience(times, cosines))] == 20
    assert salience(np.zeros(0), np.zeros(0)).size == 0
    best = peaks(times, cosines, 48)
    assert all(abs(times[a] - times[b]) >= 1 for a in best for b in best if a != b)


def test_no_frame_stands_out_without_bound():
    times = np.arange(0, 60, 1.0)
    cosines = 0.2 + 0.001 * np.sin(times)
    cosines[[10, 20, 30]] = (0.3, 0.6, 0.9)
    score = salience(times, cosines)
    assert list(np.argsort(-score)[:3]) == [30, 20, 10]
    # A caption whose frames stand out a little is looked at before the wildest outlier.
    assert score.max() <= 8 < RULES.caption + 3


def test_a_spread_halves_what_is_open():
    assert [round(t) for t in spread(Span(0, 64))[:4]] == [1, 33, 17, 49]


@pytest.mark.parametrize("searcher", ["uniform", "aks"])
def test_another_searcher_proposes_where_it_was_asked_for(presence, searcher):
    made = presence(searcher=searcher)
    found = made.candidates("a.mp4", "red star")
    assert {candidate.by for candidate in found} == {searcher}
    assert len({candidate.time_s for candidate in found}) == len(found) > 8
    if searcher == "aks":
        assert 20 <= found[0].time_s < 21.5
    assert all(c.time_s < 30 for c in made.candidates("a.mp4", "red star", Span(0, 30)))
