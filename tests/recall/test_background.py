"""The scale on which a cosine stands out: the archive's own, each source's own, and steady where there is little."""

from __future__ import annotations

import numpy as np
import pytest

from lvqa.recall.background import Background, background
from lvqa.store import Store


def _unit(rng: np.random.Generator, n: int, d: int = 32) -> np.ndarray:
    rows = rng.standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_cosines_become_standard_deviations_above_the_usual():
    rng = np.random.default_rng(0)
    vectors, query = _unit(rng, 500), _unit(rng, 1)[0]
    usual = vectors @ query
    scale = Background(1, vectors, ("caption",) * 500)
    z = scale.standardise(query, np.array([usual.mean(), usual.mean() + usual.std()]), ["caption", "speech"])
    assert z == pytest.approx([0.0, 1.0], abs=1e-5)


def test_each_source_has_a_background_of_its_own_where_there_is_enough_of_it():
    rng = np.random.default_rng(1)
    query = _unit(rng, 1)[0]
    near = _unit(rng, 200) + 2 * query
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    vectors = np.concatenate([_unit(rng, 200), near]).astype(np.float32)
    scale = Background(1, vectors, ("speech",) * 200 + ("caption",) * 200)
    speech, caption, screen = scale.standardise(query, np.full(3, 0.5), ["speech", "caption", "screen"])
    assert speech > screen > caption


def test_few_notes_do_not_make_a_wild_scale():
    query = np.eye(8, dtype=np.float32)[0]
    for n in (0, 1, 3):
        scale = Background(1, np.eye(8, dtype=np.float32)[:n], ("caption",) * n)
        z = scale.standardise(query, np.array([1.0, 0.0]), ["caption"] * 2)
        assert z[0] > z[1]
        assert np.isfinite(z).all()
        assert abs(z).max() < 20


def test_it_is_drawn_anew_when_vectors_come(folder, fill, note, embedder):
    with Store.open(folder / "grows", write=True) as store:
        fill(store, [note("v-kitchen", 0, 1, "a zebra runs")], embedder)
        first = background(store, "notes", embedder.name)
        assert background(store, "notes", embedder.name) is first
        fill(store, [note("v-kitchen", 2, 3, "a horse runs")], embedder)
        assert len(background(store, "notes", embedder.name).vectors) == 2
        assert len(background(store, "notes", "another model").vectors) == 0
