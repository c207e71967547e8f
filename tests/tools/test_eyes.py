"""Frames are fetched, charged, shown and remembered in one place: each request once a question, as the ledger holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lvqa.errors import ModelError
from lvqa.models.fake import FakeVision, colour_name
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.temporal import LookRequest
from lvqa.tools import Eyes, Ledger, Showing, Shown
from lvqa.types import Budget, Span
from lvqa.zoom import frame_cache

KITCHEN = "v-kitchen"


@pytest.fixture
def eyes(store: Any, folder: Any) -> Iterator[Callable[..., Eyes]]:
    """Eyes over the small archive; the model and the budget come by name."""
    with frame_cache(768) as cache:

        def make(vision: Any = None, **budget: Any) -> Eyes:
            path_of = Retriever(store, None).path
            return Eyes(vision or FakeVision(), Ledger(Budget(**budget)), folder, Settings(), path_of, cache)

        yield make


def shown_to(vision: FakeVision) -> list[int]:
    """How many frames each request that reached the model had."""
    return [len(request.frames) for call in (*vision.calls, *vision.yes_calls) for request in call]


def test_replies_and_probabilities_come_in_order_each_with_its_frames_times(eyes):
    vision = FakeVision(lambda request: colour_name(request.frames[0]), lambda r: 0.25 if "one" in r.prompt else 0.75)
    found = eyes(vision).ask(
        [
            Showing(KITCHEN, (1.1,), "which colour?", 5),
            Showing(KITCHEN, (1.1, 7.0), "one?"),
            Showing(KITCHEN, (13.0,), "two?"),
            Showing(KITCHEN, (19.0,), "which colour?", 5),
        ]
    )
    assert [(one.pts_s, one.text, one.yes) for one in found] == [
        ((1.0,), "red", 0.0),
        ((1.0, 7.0), "", 0.25),
        ((13.0,), "", 0.75),
        ((19.0,), "yellow", 0.0),
    ]
    assert vision.calls[0][0].max_tokens == 5
    assert {request.max_tokens for request in vision.yes_calls[0]} == {1}


def test_what_was_shown_is_neither_shown_nor_charged_again(eyes):
    vision = FakeVision("a cat", 0.8)
    one = eyes(vision)
    first = one.ask([Showing(KITCHEN, (1.0, 2.0), "what?", 9), Showing(KITCHEN, (1.1, 2.1), "what?", 9)])
    again = one.ask([Showing(KITCHEN, (1.2, 2.2), "what?", 9)])
    assert [(x.text, x.again) for x in (*first, *again)] == [("a cat", False), ("a cat", True), ("a cat", True)]
    assert (one.ledger.cost.frames, one.ledger.cost.vlm_calls, shown_to(vision)) == (2, 1, [2])
    others = [
        Showing(KITCHEN, (1.0, 2.0), "who?", 9),
        Showing(KITCHEN, (1.0, 2.0), "what?"),
        Showing(KITCHEN, (1.0,), "what?", 9),
        Showing(KITCHEN, (1.0, 2.0), "what?", 9, (0.0, 0.0, 0.5, 0.5)),
    ]
    assert not any(x.again for x in one.ask(others))
    assert (one.ledger.cost.frames, one.ledger.cost.vlm_calls) == (9, 5)
    assert sorted(shown_to(vision)) == [1, 2, 2, 2, 2]


def test_a_region_is_that_part_of_each_frame(eyes):
    vision = FakeVision("x")
    eyes(vision).ask([Showing(KITCHEN, (1.0,), "what?", 9, (0.5, 0.0, 1.0, 0.25))])
    assert vision.calls[0][0].frames[0].shape == (12, 32, 3)


def test_the_first_that_the_budget_does_not_hold_ends_it_but_what_is_known_is_told(eyes):
    vision = FakeVision("x")
    one = eyes(vision, frames=5)
    one.ask([Showing(KITCHEN, (20.0,), "what?", 9)])
    asked = [((1.0, 2.0), "what?"), ((3.0, 4.0, 5.0), "what?"), ((6.0,), "what?"), ((20.0,), "what?")]
    found = one.ask([Showing(KITCHEN, times, prompt, 9) for times, prompt in asked])
    assert [len(x.pts_s) for x in found] == [2, 0, 0, 1]
    assert found[1] == Shown()
    assert (one.ledger.cost.frames, one.ledger.spent, sum(shown_to(vision))) == (3, ["frames"], 3)


def test_in_turn_the_next_is_made_when_the_one_before_is_paid(eyes):
    vision = FakeVision(yes=0.9)
    one, left = eyes(vision, frames=5), []

    def asked() -> Iterator[Showing]:
        for n in range(4):
            left.append(one.ledger.frames_left)
            yield Showing(KITCHEN, (float(n), 10.0 + n), "yes?")

    found = one.ask_in_turn(asked())
    assert left == [5, 3, 1]
    assert [x.yes for x in found] == [0.9, 0.9, 0.0]
    assert len(vision.yes_calls) == 1


def test_a_file_that_cannot_be_read_is_a_line_and_stops_no_other(eyes):
    one = eyes(FakeVision("x"))
    found = one.ask([Showing("v-film", (1.0,), "what?", 9), Showing(KITCHEN, (1.0,), "what?", 9)])
    assert "film.webm does not exist" in found[0].failed
    assert (bool(found[0]), found[1].text) == (False, "x")
    assert one.failed == [found[0].failed]
    assert (one.ledger.cost.frames, one.fresh().failed) == (1, [])


def test_a_model_that_fails_is_charged_and_asked_again(eyes):
    def fail(request: Any) -> str:
        raise ModelError("out of order")

    one, errors = eyes(FakeVision(fail)), list[ModelError]()
    asked = [Showing(KITCHEN, (1.0,), "what?", 9)]
    with pytest.raises(ModelError, match="out of order"):
        one.ask(asked)
    (shown,) = one.ask(asked, errors)
    assert (shown.pts_s, shown.text, shown.again, [str(e) for e in errors]) == ((1.0,), "", False, ["out of order"])
    assert one.ledger.cost.vlm_calls == 2


def test_parts_share_frames_and_what_was_seen_before_and_pay_for_themselves(eyes):
    vision = FakeVision("x")
    whole = eyes(vision)
    known, new = Showing(KITCHEN, (1.0,), "what?", 9), Showing(KITCHEN, (2.0,), "what?", 9)
    whole.ask([known])
    left, right = (whole.part(whole.ledger.part(Budget(frames=4))) for _ in range(2))
    assert [one.again for one in left.ask([known, new])] == [True, False]
    # What the part beside it saw it does not know: or who pays would hang on who came first.
    assert [one.again for one in right.ask([known, new])] == [True, False]
    assert (left.ledger.cost.frames, right.ledger.cost.frames, whole.ledger.cost.frames) == (1, 1, 3)
    whole.gather()
    assert [one.again for one in whole.ask([known, new])] == [True, True]
    assert [one.again for one in whole.part(whole.ledger).ask([new])] == [True]
    assert (whole.cache.decoded, sum(shown_to(vision))) == (2, 3)


def test_programs_looks_are_logged_once_and_by_whoever_looks(eyes):
    one = eyes(FakeVision("Red.", 0.5))
    asks = [LookRequest(KITCHEN, 1.0, "which colour?", says=True), LookRequest(KITCHEN, 1.0, "cat")]
    said, there = one.look(asks)
    assert (said.text, said.pts_s, there.yes) == ("red", 1.0, 0.5)
    one.look(asks)
    assert [(entry["about"], entry["seen"]) for entry in one.log] == [("cat", 0.5), ("which colour?", "red")]
    mine = one.fresh()
    assert mine.look([LookRequest(KITCHEN, 1.1, "cat")])[0] is not None
    assert (mine.log, one.ledger.cost.frames) == ([], 2)


def test_times_in_a_span_lie_in_the_file(eyes):
    assert eyes().times_in(KITCHEN, Span(20.0, 90.0), 2) == (21.0, 23.0)
    assert eyes().times_in(KITCHEN, Span(4.0, 8.0), 4) == (4.5, 5.5, 6.5, 7.5)
