"""Which of several ways to an answer is gone, and which of the others agree with it."""

from __future__ import annotations

import pytest

from lvqa.agents.nodes.answer import settle
from lvqa.agents.state import Claim, Item
from lvqa.agents.steps import Way


def way(choice: int | None = None, own: float = 0.5, *claims: Claim) -> Way:
    return Way("x", claims, choice, own, (), 0, False)


@pytest.mark.parametrize(
    ("ways", "scores", "choice", "agree"),
    [
        ([way(0), way(0)], [], 0, [1.0]),
        ([way(0, 0.4), way(1, 0.6)], [], 1, [0.0]),
        # The option with the highest score is a vote, unless two share it.
        ([way(0, 0.9), way(1, 0.1)], [0.2, 0.7, 0.1], 1, [0.0, 1.0]),
        ([way(0, 0.1), way(1, 0.9)], [0.7, 0.7, 0.1], 1, [0.0, 0.0]),
        # Without a majority the higher score counts before the surer way.
        ([way(0, 0.9), way(1, 0.1)], [0.2, 0.3, 0.9], 1, [0.0, 0.0]),
        ([way(0), way(0)], [0.2, 0.7, 0.1], 0, [1.0, 0.0]),
        ([way(0), way(0)], [0.7, 0.2, 0.1], 0, [1.0, 1.0]),
    ],
)
def test_what_most_ways_choose(context, ways, scores, choice, agree) -> None:
    best, found = settle(context("what?", ["a", "b", "c"]), ways, scores, [])
    assert (best.choice, found) == (choice, agree)


def test_the_first_way_that_says_something_and_who_cites_the_same_seconds(context, note) -> None:
    notes = [note("v", *times, f"text {times}") for times in ((0, 5), (4, 6), (5, 9))]
    items = [Item(one, "v.mp4", 0.0, 0.5) for one in notes]
    said, same, apart = (way(None, 0.5, Claim(word, (one.id,))) for word, one in zip("xyz", notes, strict=True))
    best, agree = settle(context("what?", embedder=None), [way(), said, same, apart], [], items)
    assert best is said
    assert agree == [0.0, 1.0, 0.0]
    silent = [way(), way()]
    assert settle(context("what?"), silent, [], items) == (silent[0], [1.0])


def test_ways_that_cite_apart_agree_by_what_they_say(context, note, store) -> None:
    """What a way says is in no store, whatever the note is that it cites."""
    items = [Item(one, "v.mp4", 0.0, 0.5) for one in (note("v-kitchen", 0, 5, "a"), note("v-kitchen", 12, 15, "b"))]
    first, other = (item.note.id for item in items)
    said, like, unlike = (
        way(None, 0.5, Claim(text, (cited,)))
        for text, cited in (("a cat sleeps", first), ("a cat sleeps", other), ("milk is poured", other))
    )
    assert settle(context("what?"), [said, like, unlike], [], items) == (said, [1.0, 0.0])
