"""Each number by which the nodes recall, look and verify, by what changes at its edge."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lvqa.agents import programs
from lvqa.agents.baselines import segments
from lvqa.agents.nodes import plan, recall, survey, verify, zoom
from lvqa.agents.nodes.inspect import grouped, span_of
from lvqa.agents.state import Claim, Draft, Item, Plan, initial
from lvqa.models.fake import FakeVision
from lvqa.store import Filter, note_id
from lvqa.temporal.localize import Interval
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.result import Result
from lvqa.types import Budget, Evidence, Hit, Keyframe, Note, Span, Video
from lvqa.zoom import SearchResult
from lvqa.zoom.base import Trace

# recall


@pytest.fixture
def add(store, embedder) -> Any:
    """Put notes into the archive, with their vectors."""

    def put(*notes: Note) -> list[Note]:
        with store.atomic():
            store.notes.put(notes)
            store.vectors.put(embedder.name, [n.id for n in notes], embedder.encode_document([n.text for n in notes]))
        return list(notes)

    return put


def recalled(context: Any, **plan: Any) -> list[Note]:
    wanted = Plan(**{"phrases": (context.question.text,), **plan})
    return [hit.note for hit in recall._search(context, wanted.phrases, Filter(level="clip"), wanted)]


def test_ten_seconds_are_read_around_the_three_best_hits(context, store, note, add) -> None:
    near = [note("v-film", start_s, start_s + 1, f"near {start_s}") for start_s in (19.0, 19.5, 40.5, 41.0)]
    (best,) = add(note("v-film", 30, 31, "an owl sits on a branch"))
    add(*near)
    made = context("an owl sits on a branch")
    found = recall._around(made, [Hit("film.webm", best, 0.8, {})], None)
    assert {hit.note.text for hit in found} >= {"near 19.5", "near 40.5", best.text}
    assert not {hit.note.text for hit in found} & {"near 19.0", "near 41.0"}
    assert {hit.score for hit in found} == {0.4}


def test_what_is_around_three_hits_is_read(context, note, add) -> None:
    owls = [note("v-film", 40 * n, 40 * n + 1, f"an owl sits on a branch {'far ' * n}") for n in range(5)]
    add(*owls, *(note("v-film", 40 * n + 5, 40 * n + 6, f"zebra{n}") for n in range(5)))
    found = {n.text for n in recalled(context("an owl sits on a branch", settings={"top_k": 5}), kind="order")}
    assert {text for text in found if text.startswith("zebra")} == {"zebra0", "zebra1", "zebra2"}


def test_what_counts_reads_four_times_as_much(context, note, add) -> None:
    add(*(note("v-film", 2 * n, 2 * n + 1, f"an owl hoots {n}") for n in range(30)))
    made = context("an owl hoots", settings={"top_k": 5})
    assert len(recalled(made)) == 5
    assert len(recalled(made, kind="count")) == 20


def test_half_as_many_of_the_kind_that_is_asked_for(context, note, add) -> None:
    add(*(note("v-film", 2 * n, 2 * n + 1, f"an owl hoots owl {n}", "caption") for n in range(30)))
    add(*(note("v-film", 2 * n, 2 * n + 1, f"owl {n} hoots at us all", "screen") for n in range(30)))
    found = recalled(context("an owl hoots", settings={"top_k": 8}), kind="text")
    assert [n.source for n in found].count("screen") == 4


def test_each_event_is_searched_for_twice_at_least(context, note, add) -> None:
    for bird in ("owl", "crow"):
        add(*(note("v-film", 2 * n, 2 * n + 1, f"the {bird} hoots {bird} {n}") for n in range(5)))
    made = context("zebra", settings={"top_k": 2})
    found = recalled(made, kind="comparison", events=("the owl hoots", "the crow hoots"))
    assert [len([n for n in found if bird in n.text]) for bird in ("owl", "crow")] == [2, 2]


def summary(n: int) -> Note:
    span = Span(n, n + 1)
    return Note(note_id("v-film", "summary", span, "", "", str(n)), "v-film", None, span, f"part {n}", "summary")


def test_a_quarter_as_many_summaries_stand_beside_passages(context, note, add) -> None:
    add(*map(summary, range(10)))
    add(*(note("v-film", 2 * n, 2 * n + 1, f"an owl hoots {n}") for n in range(30)))
    found = recalled(context("an owl hoots", settings={"top_k": 16}), kind="cause")
    assert [n.source for n in found].count("summary") == 4


@pytest.mark.parametrize(("written", "read"), [(48, 48), (49, 48)])
def test_forty_eight_summaries_are_read(context, add, written, read) -> None:
    add(*map(summary, range(written)))
    assert len(recalled(context("part", settings={"top_k": 99}), kind="summary")) == read


def cards_of(context: Any, note: Any, videos: int, notes: Any = None, found: int = 0) -> list[Hit]:
    """Title cards of an archive of so many videos; those of the first few were found."""
    made = notes or [
        note(str(n), 3, 6, f"The Long Walk {'abcdefghijklmnopqrstuvwxyz'[n]}", "screen") for n in range(videos)
    ]
    chosen: Any = lambda wanted: [n for n in made if wanted.video_ids is None or n.video_id in wanted.video_ids]  # noqa: E731
    store = SimpleNamespace(
        notes=SimpleNamespace(select=chosen),
        videos=SimpleNamespace(all=lambda: [Video(str(n), f"{n}.mp4", str(n), 60.0) for n in range(videos)]),
    )
    fake: Any = SimpleNamespace(store=store, retriever=SimpleNamespace(path=lambda video_id: video_id))
    hits = [Hit(str(n), note(str(n), 0, 1, "x"), 0.5, {}) for n in range(found)]
    return recall._title_cards(fake, hits, None)


def test_title_cards_are_looked_for_in_every_video_of_a_small_archive(context, note) -> None:
    assert len(cards_of(context, note, 20, found=2)) == 8
    assert len(cards_of(context, note, 21, found=2)) == 2
    ten = [note(str(n), 3, 6, "Long Walk", "screen") for n in range(12)]
    plain = [note("11", 3, 6, "The Tall Tower", "screen")]
    assert len(cards_of(context, note, 25, notes=[*ten[8:], *plain], found=12)) == 0
    assert len(cards_of(context, note, 25, notes=ten[7:8], found=12)) == 1


def test_eight_notes_of_a_card_are_read_and_eight_that_announce_one(context, note) -> None:
    readings = [note("0", 3 + n, 4 + n, "The Long Walk", "screen") for n in range(12)]
    announced = [note("0", 20 + n, 21 + n, f"Studio {n} presents", "screen") for n in range(12)]
    found = cards_of(context, note, 1, notes=[*readings, *announced])
    assert [hit.note.text for hit in found].count("The Long Walk") == 8
    assert len(found) == 16


# plan and answer


def test_the_chat_models_plan_searches_for_twelve_phrases() -> None:
    made = plan.joined(Plan(phrases=tuple(f"phrase {n}" for n in range(16))), Plan(phrases=("what?",)), "What?", False)
    assert len(made.phrases) == 12


def test_all_notes_stand_before_the_summary_and_three_things_are_missing(ask, script, note, add) -> None:
    add(*(note("v-film", 2 * n, 2 * n + 1, f"an owl hoots {n}") for n in range(20)))
    lacks = {"sentences": [], "choice": None, "confidence": 0.1, "missing": [f"thing {n}" for n in range(5)]}
    chat = script(answer=lacks)
    answer = ask("When does an owl hoot?", chat=chat, settings={"rounds": 1})
    texts = [str(call[-1].text) for call in chat.calls]
    asked = [text for text in texts if "The notes:" in text]
    assert len({text.partition("The question:")[0] for text in asked[:3]}) == 1, "a server reads them once"
    assert sum(line.startswith("[") and " caption: " in line for line in asked[0].splitlines()) >= 15
    again = next(step.data for step in answer.steps if step.node == "verify")["missing"]
    assert [phrase for phrase in again if phrase.startswith("thing")] == ["thing 0", "thing 1", "thing 2"]


# zoom


class Told:
    """A searcher that keeps what it was asked for, and returns the first seconds."""

    name = "told"

    def __init__(self) -> None:
        self.given: list[tuple[Any, Any]] = []

    def search(self, video: Any, query: Any, budget: Any, seed: int = 0) -> SearchResult:
        self.given.append((query, budget))
        return SearchResult([], Trace(self.name, "v-kitchen", 24.0, query.things, len(query.targets)))


def zoomed(context: Any, note: Any, *, targets: tuple[str, ...] = ("a cat",), frames: int = 40, **settings: Any) -> Any:
    searcher = Told()
    made = context(
        "what?",
        vision=FakeVision("x"),
        searcher=searcher,
        budget=Budget(frames=frames),
        settings={"rounds": 1, **settings},
    )
    hits = [Hit("kitchen.mp4", note("v-kitchen", 0, 6, "x"), 0.5, {})]
    state: Any = {**initial(), "plan": Plan(targets=targets, cues=targets, named=True), "hits": hits, "round": 1}
    zoom.zoom(state, SimpleNamespace(context=made))
    return searcher.given[0]


def test_three_quarters_of_what_is_left_is_for_looking(context, note) -> None:
    query, budget = zoomed(context, note)
    # One target, and one cue, each asked for on each frame: 0.7 of 30 requests are 21.
    assert (budget.k, budget.frames, budget.min_gap_s) == (30, 10, 1.0)
    query, budget = zoomed(context, note, targets=("a cat", "a dog", "a cow", "a hen"))
    assert query.targets == query.cues == ("a cat", "a dog", "a cow")


@pytest.mark.parametrize(("frames", "named"), [(31, False), (32, True)])
def test_targets_are_named_where_four_times_as_many_frames_are_left(ask, frames, named) -> None:
    vision = FakeVision('{"targets": ["a wall"], "cues": []}')
    answer = ask("What is on the wall?", vision=vision, settings={"budget_frames": frames, "rounds": 1})
    assert any("targets" in step.data for step in answer.steps if step.node == "zoom") == named
    assert (len(vision.calls[0][0].frames) == 8) == named


@pytest.mark.parametrize(("recalled", "videos"), [(14, 12), (0, 16)])
def test_the_videos_of_twelve_hits_are_searched(note, monkeypatch, recalled, videos) -> None:
    known = {str(n): Video(str(n), f"{n}.mp4", str(n), 60.0) for n in range(40)}
    monkeypatch.setattr(zoom, "present", lambda folder, path: path)
    retriever = SimpleNamespace(video=known.get, look_up=lambda ids: None)
    fake: Any = SimpleNamespace(retriever=retriever, videos=list(known.values()), filter=None, folder=None)
    hits = [Hit(str(n), note(str(n), 0, 1, "x"), 1.0, {}) for n in range(recalled)]
    assert len(zoom._videos(fake, hits)[0]) == videos


# inspect, programs


@pytest.mark.parametrize(("apart_s", "groups"), [(8.0, 1), (8.1, 2)])
def test_frames_eight_seconds_apart_are_shown_together(apart_s, groups) -> None:
    assert len(grouped([Keyframe("v", 1.0), Keyframe("v", 1.0 + apart_s)], 8)) == groups


def test_a_frame_stands_for_a_second() -> None:
    assert span_of([Keyframe("v", 2.0), Keyframe("v", 5.5)]) == Span(2.0, 6.5)


def test_what_an_answer_is_compared_with_is_shown_after_it() -> None:
    path = SimpleNamespace(path=lambda video_id: video_id)
    models = SimpleNamespace(names={"vision": "x"}, can_be_asked=lambda name: True)
    fake: Any = SimpleNamespace(models=models, retriever=path, options=())
    one, other = Interval("v", Span(1, 2), 0.9, 3), Interval("v", Span(5, 6), 0.9, 3)
    items, _ = programs.draft_of(
        fake, TemporalQuery("order"), Result("x", 0.9, shown=((one, "a cat"), (other, "a dog")))
    )
    assert [item.closeness for item in items] == [one.support, pytest.approx(other.support / 2)]


# survey


def test_videoagent_looks_at_five_frames_and_then_at_three_segments(ask, steps) -> None:
    answer = ask("What does she pour?", agent="videoagent", vision=FakeVision("a wall"))
    described = [len(step.data["described"]) for step in answer.steps if step.node == "survey"]
    assert described[:2] == [5, 3]


@pytest.mark.parametrize(("at", "parts"), [(1.0, 2), (0.9, 1)])
def test_a_segment_is_a_second_at_least(context, at, parts) -> None:
    video = Video("v", "v.mp4", "v", 24.0)
    assert len(segments.between(context("what?"), [video], [Keyframe("v", at)])) == parts


@pytest.mark.parametrize(("close", "rating"), [(0.24, 1), (0.25, 2), (0.49, 2), (0.5, 3)])
def test_a_description_is_rated_by_how_close_it_is(context, note, monkeypatch, close, rating) -> None:
    monkeypatch.setattr(survey, "lexical_closeness", lambda phrase, text: close)
    assert survey._ratings(context("what?", embedder=None), [note("v", 0, 1, "x")], survey.Surveyed()) == [rating]


# verify


@pytest.mark.parametrize(
    ("support", "by", "stays"),
    [(0.5, "vlm", 1), (0.49, "vlm", 0), (0.5, "chat", 1), (0.49, "chat", 0), (0.3, "words", 1), (0.29, "words", 0),
     (0.01, "rules", 1), (0.0, "rules", 0)],
)  # fmt: skip
def test_the_support_that_keeps_a_claim(support, by, stays) -> None:
    assert len(verify.supported([Claim("x", (), support)], [by])) == stays


@pytest.mark.parametrize(("yes", "kept"), [(0.5, True), (0.49, False)])
def test_a_look_that_says_no_takes_a_ruled_claim_away(context, monkeypatch, yes, kept) -> None:
    monkeypatch.setattr(verify, "by_vlm", lambda *given: {0: yes})
    (claim,), _, _ = verify.check(context("what?"), Draft("x", None, (Claim("x", (), 0.5),)), {})
    assert (claim.support > 0) == kept


def test_what_the_confidence_of_an_answer_is_made_of() -> None:
    kept = [Claim("x", (), 0.8)]

    def of(**given: float) -> float:
        return verify.confidence(Draft("x", None, (), by="chat", **given), kept, 1) / 0.8

    assert [of(), of(closeness=1.0), of(agreement=1.0), of(own=1.0)] == pytest.approx([0.4, 0.6, 0.55, 0.65])
    ruled = [verify.confidence(Draft("x", None, (), agreement=agreement), kept, 1) / 0.8 for agreement in (0.0, 1.0)]
    assert ruled == pytest.approx([0.95, 1.05])


@pytest.mark.parametrize(("sure", "again"), [(0.6, False), (0.59, True)])
def test_an_answer_that_is_not_sure_is_looked_at_again(context, sure, again) -> None:
    draft = Draft("x", None, (), by="chat", missing=("a cat",))
    state: Any = {**initial(), "plan": Plan(), "round": 1}
    assert (verify.what_next(state, context("what?"), draft, [], sure) is not None) == again


@pytest.mark.parametrize(
    ("own", "round", "again"), [(0.66, 2, True), (0.67, 2, False), (0.1, 3, False)], ids=["unsure", "sure", "late"]
)
def test_videoagent_ends_when_it_is_sure_or_after_three_rounds(context, own, round, again) -> None:
    made = context("what?", vision=FakeVision("x"), agent="videoagent")
    state: Any = {**initial(), "plan": Plan(), "round": round}
    assert (verify.another_look(state, made, Draft("x", None, (), own=own, by="chat")) is not None) == again


def test_eight_pieces_of_evidence_are_shown_and_the_best_of_each_claim(context, note) -> None:
    pieces = [Evidence("v", Span(10 * n, 10 * n + 1), f"text {n}", "caption", 0.9) for n in range(12)]
    assert len(verify._shown([pieces])) == 8
    assert len(verify._shown([[piece] for piece in pieces])) == 12
    items = {str(n): Item(note("v", 10 * n, 10 * n + 1, f"text {n}"), "v", 0.0, 0.5) for n in range(9)}
    assert len(verify.final(context("what?"), Draft("x", None, ()), [], items, 0.0).evidence) == 3


@pytest.mark.parametrize(("gap_s", "pieces"), [(1.0, 1), (1.1, 2)])
def test_readings_of_one_text_a_second_apart_are_one_piece(note, gap_s, pieces) -> None:
    notes = [note("v", 0, 1, "EXIT", "screen"), note("v", 1 + gap_s, 4, "exit", "screen")]
    items = {n.id: Item(n, "v", 0.0, 0.5) for n in notes}
    assert len(verify.cited(Claim("x", tuple(items)), items)) == pieces
