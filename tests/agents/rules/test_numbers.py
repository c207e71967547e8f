"""Each number by which notes are read, quoted and chosen between, by what changes at its edge."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lvqa.agents import evidence
from lvqa.agents.nodes import answer as answering
from lvqa.agents.rules import choice, extractive
from lvqa.agents.rules.plan import by_rules
from lvqa.agents.rules.titles import Title, titles
from lvqa.agents.state import Claim, Draft, Item, Plan, initial
from lvqa.agents.steps import Way
from lvqa.store import Filter
from lvqa.tools import workbench
from lvqa.tools.measure import told_by_notes
from lvqa.types import Computation, EventRow, Hit, Span


def item(note: Any, closeness: float, start_s: float = 0.0, end_s: float | None = None, **given: Any) -> Item:
    end_s = start_s + 1 if end_s is None else end_s
    made = note("v", start_s, end_s, given.get("text", f"text {start_s}"), given.get("source", "caption"))
    return Item(made, given.get("video", "v"), 0.0, closeness)


# A plan


def test_a_plan_searches_for_twelve_phrases_and_works_on_eight_events() -> None:
    plan = by_rules("Which of these comes first?", tuple(f"a thing {n}" for n in range(20)))
    assert (len(plan.phrases), len(plan.events)) == (12, 8)
    listed = ", ".join(f"a thing{'x' * n}" for n in range(10))
    assert len(by_rules(f"In which order do these come: {listed}?").events) == 8


def test_a_plan_has_sixteen_exact_targets_and_six_of_the_questions_words() -> None:
    assert len(by_rules("Where is " + " ".join(f'"text {n}"' for n in range(20)) + "?").targets) == 16
    assert len(by_rules("Where does the tall sailor paint yellow boats beside old wooden harbour sheds?").targets) == 6


# What is near


@pytest.mark.parametrize(("closeness", "gap_s", "end_s"), [(0.85, 1.0, 13), (0.84, 1.0, 11), (0.85, 1.1, 11)])
def test_a_stretch_goes_on_where_notes_are_nearly_as_close(note, closeness, gap_s, end_s) -> None:
    best, other = item(note, 1.0, 10, 11), item(note, closeness, 11 + gap_s, 13)
    assert evidence.stretch([best, other], best) == Span(10, end_s)


def test_forty_eight_notes_are_read_beside_what_was_seen(context, note) -> None:
    notes = [note("v-kitchen", n, n + 1, f"text {n}") for n in range(60)]
    state = {**initial(), "plan": Plan(), "hits": [Hit("kitchen.mp4", one, 1.0, {}) for one in notes]}
    assert len(evidence.pool(state, context("what?", embedder=None))) == 48
    assert len(answering.number([item(note, 1.0, n) for n in range(60)])) == 48


@pytest.mark.parametrize(("near", "rows"), [([0.35, 0.0], 1), ([0.34, 0.0], 0), ([0.8, 0.61], 2), ([0.8, 0.59], 1)])
def test_notes_that_tell_of_an_event(context, note, monkeypatch, near, rows) -> None:
    notes = [item(note, 1.0, n, text=str(n)).note for n in range(2)]
    monkeypatch.setattr(workbench, "lexical_closeness", lambda event, text: near[int(text)])
    assert len(told_by_notes(context("what?", embedder=None), ["x"], notes)[0]) == rows


# A chat model's answer


def way(note: Any, start_s: float) -> tuple[Way, Item]:
    one = item(note, 1.0, start_s)
    return Way("summary", (Claim("said", (one.note.id,)),), None, 0.5, (), 0, False), one


@pytest.mark.parametrize(("close", "same"), [(0.6, True), (0.59, False)])
def test_answers_that_are_close_say_the_same(context, note, monkeypatch, close, same) -> None:
    (one, first), (other, second) = way(note, 0), way(note, 50)
    monkeypatch.setattr(answering, "scaled_cosines", lambda *given: np.array([[close]]))
    assert answering._same(context("what?"), one, other, [first, second]) == same


@pytest.mark.parametrize(("closeness", "agree"), [(0.8, 1.0), (0.79, 0.0)])
def test_rules_would_have_answered_with_what_is_nearly_as_close(context, note, closeness, agree) -> None:
    chosen, cited = way(note, 50)
    items = [item(note, 1.0), Item(cited.note, "v", 0.0, closeness)]
    assert answering._with_rules(chosen, items, Draft("", None, ()), context("what?")) == agree


# Quoting


@pytest.mark.parametrize(("closeness", "claims"), [(0.8, 2), (0.79, 1)])
def test_what_is_nearly_as_close_is_cited_too(note, closeness, claims) -> None:
    items = [item(note, 1.0), item(note, closeness, 50)]
    assert len(extractive.quote(Plan(phrases=("what?",)), items).claims) == claims


@pytest.mark.parametrize(("start_s", "agreement"), [(31, 1.0), (31.5, 0.0)])
def test_two_others_are_cited_and_agree_within_half_a_minute(note, start_s, agreement) -> None:
    others = [item(note, 0.9, start_s), item(note, 0.85, 200), item(note, 0.84, 300)]
    draft = extractive.quote(Plan(phrases=("what?",)), [item(note, 1.0), *others])
    assert (len(draft.claims), draft.agreement) == (3, agreement)


def test_text_on_the_screen_is_as_close_as_what_it_stands_beside(note) -> None:
    sign = item(note, 0.1, source="screen")
    (first, *_) = extractive.preferred(Plan(kind="text"), [item(note, 0.5), sign])
    assert (first.note, first.closeness) == (sign.note, pytest.approx(0.4))
    (first, *_) = extractive.preferred(Plan(kind="text", between=(0.0, 1.0)), [sign])
    assert first.closeness == 0.6


@pytest.mark.parametrize(("closeness", "first"), [(0.25, "screen"), (0.24, "caption")])
def test_text_on_the_screen_comes_first_unless_others_are_far_closer(note, closeness, first) -> None:
    items = [item(note, 0.5), item(note, closeness, 50, source="screen")]
    assert extractive.preferred(Plan(kind="text"), items)[0].note.source == first


def test_what_rules_computed_is_trusted_as_their_reading_is(note) -> None:
    one = item(note, 0.9)
    row = EventRow("x", "v", one.note.span, 0.5, (one.note.id,))
    told = extractive.tell([one], Computation("count", "once", (row,)))
    assert told is not None
    assert told.claims[0].support == pytest.approx(0.35)


def test_eight_videos_are_told_of_by_what_is_written_of_the_whole(note) -> None:
    videos = [item(note, 0.5, 0, 100, source="summary", video=f"v{n}") for n in range(10)]
    draft = extractive.overview(videos)
    assert draft is not None
    assert [claim.support for claim in draft.claims] == [0.6] * 8
    nearly, part = (item(note, 0.5, 0, end, source="summary", text=f"to {end}") for end in (99, 98.9))
    draft = extractive.overview([item(note, 0.5, 0, 100, source="summary", text="whole"), nearly, part])
    assert draft is not None
    assert [claim.text for claim in draft.claims] == ["whole", "to 99"]


def test_four_notes_of_a_stretch_are_told(context, note) -> None:
    draft = extractive.narrate(context("what?"), Plan(between=(0.0, 9.0)), [item(note, 0.5, n) for n in range(9)])
    assert draft is not None
    assert [claim.support for claim in draft.claims] == [0.6] * 4


@pytest.mark.parametrize(("closeness", "share"), [(0.1, 1.0), (0.08, 0.8), (0.5, 1.0)])
def test_an_option_is_worth_less_where_nothing_is_close(context, note, monkeypatch, closeness, share) -> None:
    one = item(note, closeness)
    monkeypatch.setattr(extractive, "readable", lambda *given: [one.note])
    monkeypatch.setattr(extractive, "weigh", lambda *given: choice.Weighed((0.75, 0.25), (0, 0)))
    draft, _ = extractive.choose(context("what?", ["x", "y"]), [one])
    assert draft.claims[0].support == pytest.approx(0.75 * share)


# Titles


def scored(note: Any, *cards: tuple[float, float, str], end_s: float = 6000.0, near: float = 0.0) -> dict[str, float]:
    notes = [note("v", start_s, end, text, "screen") for start_s, end, text in cards]
    return {title.text: title.score for title in titles(notes, lambda video_id: end_s, lambda n: near)}


@pytest.mark.parametrize(
    ("cards", "given", "score"),
    [
        # In the middle, for half of its time: words, and capitals.
        ([(3000, 3002, "The Long Walk")], {}, 0.2 + 0.1 + 0.1),
        ([(3000, 3004, "The Long Walk")], {}, 0.2 + 0.2 + 0.1),
        ([(3000, 3005, "the long walk")], {}, 0.2 + 0.2),
        ([(3000, 3004, "The Long Walk xq")], {}, 0.2 * 11 / 13 + 0.2 + 0.1),
        ([(3000, 3004, "The Long Walk")], {"near": 0.5}, 0.2 + 0.2 + 0.1 + 0.1),
        # At the opening and the end, of a long film and of a short one.
        ([(120, 124, "The Long Walk")], {}, 0.6),
        ([(121, 125, "The Long Walk")], {}, 0.5),
        ([(5870, 5880, "The Long Walk")], {}, 0.6),
        ([(5870, 5879, "The Long Walk")], {}, 0.5),
        ([(10, 14, "The Long Walk")], {"end_s": 40.0}, 0.6),
        ([(11, 15, "The Long Walk")], {"end_s": 40.0}, 0.5),
        # Behind "presents".
        ([(2970, 2980, "X presents"), (3000, 3004, "The Long Walk")], {}, 0.7),
        ([(2970, 2979, "X presents"), (3000, 3004, "The Long Walk")], {}, 0.5),
        ([(2970, 3001, "X presents"), (3000, 3004, "The Long Walk")], {}, 0.7),
        ([(2970, 3001.1, "X presents"), (3000, 3004, "The Long Walk")], {}, 0.5),
        # Two readings of one card.
        ([(3000, 3001, "The Long Walk"), (3002, 3003, "The Long Walk")], {}, 0.2 + 0.15 + 0.1),
        ([(3000, 3001, "The Long Walk"), (3002.1, 3003, "The Long Walk")], {}, 0.2 + 0.05 + 0.1),
    ],
)  # fmt: skip
def test_a_titles_score_is_made_of_what_cards_have_in_common(note, cards, given, score) -> None:
    assert scored(note, *cards, **given)[cards[-1][2]] == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("Ice", True), ("Ox", False), ("Jaws 1", True), ("Jaws 12", False), (" ".join(["word"] * 12), True),
        (" ".join(["word"] * 13), False), ("Ice xqw xqz", True), ("Ice xqw xqz q", False), ("The xqvzt", True),
    ],
)  # fmt: skip
def test_what_may_be_a_title(note, text, may) -> None:
    assert bool(scored(note, (3000, 3004, text))) == may


def test_words_of_three_letters_need_no_capitals(note) -> None:
    assert scored(note, (3000, 3004, "Tale and Song"))["Tale and Song"] == pytest.approx(0.5)
    assert scored(note, (3000, 3004, "Tale with Song"))["Tale with Song"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("score", "lead", "support", "agreement"),
    [(0.8, 0.09, 0.85, 0.0), (0.4, 0.09, 0.425, 0.0), (0.9, 0.11, 0.85, 1.0)],
)
def test_how_far_a_title_is_trusted(context, note, monkeypatch, score, lead, support, agreement) -> None:
    card = note("v", 0, 4, "The Long Walk", "screen")
    found = [Title("The Long Walk", (card,), card.span, points) for points in (score, score - lead)]
    monkeypatch.setattr(extractive, "titles", lambda *given: found)
    draft = extractive.title(context("what?"), [item(note, 0.5)])
    assert draft is not None
    assert (draft.claims[0].support, draft.agreement) == (pytest.approx(support), agreement)


# Options


def test_words_alone_decide_where_there_is_no_embedder(context, note) -> None:
    notes = [note("v-kitchen", 0, 1, "she pours milk")]
    weighed = choice.weigh(context("what does she pour?", ["milk", "sand"], embedder=None), notes)
    # All words of "pour milk" and of "milk"; half of those of "pour sand".
    assert math.log(weighed.shares[0] / weighed.shares[1]) == pytest.approx(6.0 * (2 - 0.5) / 2)


def test_five_notes_stand_out_for_an_option() -> None:
    vectors = np.zeros((10, 4), np.float32)
    vectors[:7, 0], vectors[7:, 1] = 1.0, 1.0
    vectors[:4, 0] = 0.5

    def encode(phrases: Any) -> Any:
        rows = np.zeros((len(phrases), 4), np.float32)
        rows[[n for n, phrase in enumerate(phrases) if phrase == "a"], 0] = 1.0
        return rows

    rows, _ = choice.measures("q?", ["a", "b"], vectors, ["x"] * 10, encode, lambda cosines: cosines)
    alone = np.sort(vectors[:, 0])
    apart = alone[-5:].mean() - alone.mean()
    assert rows[0, choice.MEASURES.index("apart")] == pytest.approx(apart / 2)


def test_a_word_that_every_note_has_weighs_a_little() -> None:
    (share,) = choice._words(["man trumpet"], ["a man", "a man, no horn"])
    assert share == pytest.approx(0.1 / (0.1 + math.log(3) + 0.1))


def test_what_the_measures_of_an_option_weigh(context, monkeypatch) -> None:
    made, logits = context("what?", ["a", "b"]), []
    for n in range(5):
        rows = np.zeros((2, 5))
        rows[0, n] = 0.1
        monkeypatch.setattr(choice, "measures", lambda *given, rows=rows: (rows, np.zeros((1, 2))))
        shares = choice.weigh(made, made.store.notes.select(Filter(level="clip"))[:1]).shares
        logits.append(10 * math.log(shares[0] / shares[1]))
    assert logits == pytest.approx([13.8, -3.0, 7.1, 0.75, -1.3])


@pytest.mark.parametrize(("notes", "videos", "all_read"), [(4000, 8, True), (4001, 8, False), (10, 9, False)])
def test_all_notes_are_read_for_options_where_they_are_few(context, note, notes, videos, all_read) -> None:
    made = context("what?", ["a", "b"])
    one = note("v-kitchen", 0, 6, "x")
    stored = type("Notes", (), {"select": lambda self, wanted: [one] * notes})()
    there = type("Videos", (), {"all": lambda self: [type("V", (), {"id": str(n)})() for n in range(videos)]})()
    store = type("Store", (), {"notes": stored, "videos": there})()
    assert (len(choice.readable(replace(made, store=store), [])) == notes) == all_read
