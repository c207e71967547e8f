"""What was meant where a word stands nowhere: one that does, one edit away."""

from __future__ import annotations

import pytest

from lvqa.recall.spelling import did_you_mean, edits
from lvqa.store import Store


@pytest.fixture
def written(folder, fill, note):
    texts = ["Photosynthesis in leaves", "photosynthesis again", "RuBisCO fixes carbon", "Müller says no", "the carton"]
    with Store.open(folder / "spelling", write=True) as store:
        fill(store, [note("v-film", 2 * n, 2 * n + 1, text) for n, text in enumerate(texts)], None)
        yield store


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("photosinthesis", "photosynthesis"),
        ("photosyntesis", "photosynthesis"),
        ("photosynthhesis", "photosynthesis"),
        ("photosynhtesis", "photosynthesis"),
        ("rubisko", "rubisco"),
        ("Rubisko carbon", "rubisco carbon"),
        ("carbom", "carbon"),
        ("photosynthesis", ""),
        ("zeppelin", ""),
        ("cat", ""),
        ("what is photosinthesis", ""),
    ],
)
def test_what_was_meant(written, query: str, meant: str) -> None:
    assert did_you_mean(written, query) == meant


def test_edits_are_all_one_away() -> None:
    assert {"at", "ct", "ca", "act", "cta", "cart", "bat", "cats"} <= set(edits("cat"))
    assert "cart" not in set(edits("at"))
