"""Options weighed against notes: what notes say wins, the blind guess and the length do not, shares are shares."""

from __future__ import annotations

import numpy as np
import pytest

from lvqa.agents.rules.choice import MEASURES, measures, softmax
from lvqa.agents.rules.numbers import QUOTING
from lvqa.models.fake import FakeEmbedder

OPTIONS = ("paint", "milk into a glass", "sand")


def measured(texts: list[str], options=OPTIONS, asked: str = "what does she pour?") -> np.ndarray:
    embedder = FakeEmbedder(256)
    rows, near = measures(
        asked, options, embedder.encode_document(texts), texts, embedder.encode_query, lambda cosines: cosines
    )
    assert rows.shape == (len(options), len(MEASURES)) == (len(options), len(QUOTING.weights))
    assert near.shape == (len(texts), len(options))
    return rows


def test_measures_are_against_the_mean_of_the_options() -> None:
    rows = measured(["she pours milk into a glass", "a dog runs"])
    assert rows.mean(axis=0) == pytest.approx(np.zeros(len(MEASURES)), abs=1e-9)
    assert int((rows @ np.array(QUOTING.weights)).argmax()) == 1
    assert int(rows[:, MEASURES.index("words")].argmax()) == 1


def test_the_order_of_options_changes_nothing() -> None:
    texts = ["she pours milk into a glass", "a man paints a wall", "a dog runs on the sand"]
    rows, turned = measured(texts), measured(texts, OPTIONS[::-1])
    assert turned[::-1] == pytest.approx(rows)


def test_rare_words_weigh_more_than_common_ones() -> None:
    texts = ["a man walks", "a man runs", "a man sits", "a man with a trumpet"]
    rows = measured(texts, ("a man", "a trumpet", "a violin"), "who is there?")
    words = rows[:, MEASURES.index("words")]
    assert words[2] == min(words)


def test_shares_add_up_and_follow_the_scores() -> None:
    shares = softmax([2.0, 1.0, -40.0])
    assert sum(shares) == pytest.approx(1)
    assert shares[0] / shares[1] == pytest.approx(np.e)


def test_all_notes_of_a_video_are_read_and_the_best_is_cited(ask) -> None:
    answer = ask("What does she pour?", list(OPTIONS), settings={"top_k": 1})
    assert answer.choice == 1
    assert answer.evidence[0].text.startswith("she pours milk")
    assert answer.statements[0].evidence == (0,)
