"""What a reply cites: a sentence stays where every note that it cites is there, and goes where one is not."""

from __future__ import annotations

import pytest

from lvqa.agents.citations import AnswerReply, Sentence, claims_of, complaints
from lvqa.agents.state import Item


def numbered(note) -> dict[int, Item]:
    notes = {n: note("v", n, n + 1, f"text {n}") for n in (1, 2)}
    return {n: Item(one, "v.mp4", 0.0, 0.5) for n, one in notes.items()}


@pytest.mark.parametrize(
    ("cites", "kept"), [([1], [1]), ([2, 1, 2], [2, 1]), ([1, 9], None), ([9, 1], None), ([9], None), ([], None)]
)
def test_a_sentence_with_one_citation_that_does_not_exist_goes(note, cites, kept) -> None:
    there = numbered(note)
    reply = AnswerReply(sentences=[Sentence(text="She  sits.", evidence=cites)], confidence=0.5)
    claims, gone = claims_of(reply, there)
    assert gone == (kept is None)
    assert [(claim.text, claim.note_ids) for claim in claims] == (
        [] if kept is None else [("She sits.", tuple(there[n].note.id for n in kept))]
    )
    assert bool(complaints(reply, there, ())) == (kept is None)


def test_the_others_stay_and_blank_ones_count_for_nothing(note) -> None:
    sentences = [
        Sentence(text=text, evidence=cites) for text, cites in (("a", [1]), ("b", [1, 9]), (" ", [1]), ("c", [2]))
    ]
    claims, gone = claims_of(AnswerReply(sentences=sentences, confidence=0.5), numbered(note))
    assert ([claim.text for claim in claims], gone) == (["a", "c"], 1)
