from __future__ import annotations

import pytest

from lvqa.language.stems import stem, words_of


def test_words_are_lower_case_and_in_order():
    assert words_of("She's OPENING the Fridge_door, don’t!") == ["she's", "opening", "the", "fridge", "door", "don’t"]
    assert words_of("  ...  ") == []


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("opening", "open"), ("opened", "open"), ("opens", "open"), ("running", "run"), ("stopped", "stop"),
        ("carries", "carry"), ("carried", "carry"), ("boxes", "box"), ("seemingly", "seem"), ("markedly", "mark"),
        ("glass", "glass"), ("kitchen's", "kitchen"), ("kitchen’s", "kitchen"), ("falling", "fall"), ("bus", "bus"),
        ("make", "mak"), ("making", "mak"), ("the", "the"), ("add", "add"), ("see", "see"), ("ring", "ring"),
    ],
)  # fmt: skip
def test_stems(word: str, root: str):
    assert stem(word) == root
