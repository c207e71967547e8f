"""Every tool against what is known of the archive: what it finds and cites, and what it says it did not look at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lvqa.errors import UsageError
from lvqa.models.fake import FakeVision
from lvqa.store import Store, note_id
from lvqa.tools.find import find
from lvqa.tools.frames import frames
from lvqa.tools.look import look
from lvqa.tools.measure import measure
from lvqa.tools.overview import overview
from lvqa.tools.read import read
from lvqa.tools.search import search
from lvqa.tools.verify import verify
from lvqa.types import Budget, Note, Scope, Span, Video


def plain(result: Any) -> dict[str, Any]:
    """A result as it travels: nothing is lost in JSON."""
    told: dict[str, Any] = result.to_dict()
    assert json.loads(json.dumps(told)) == told
    return told


@pytest.fixture
def bare(tmp_path):
    """An archive of a video that is not there and has no captions but of one stretch, and of one with a summary."""
    with Store.open(tmp_path / ".lvqa", write=True) as store:
        store.videos.put(Video("v", "gone.mp4", "v", 60.0))
        store.videos.put(Video("w", "other.mp4", "w", 10.0))
        for video, start, end, words, source in (
            ("v", 20, 30, "a cat on a mat", "caption"),
            ("v", 5, 6, "hello there", "speech"),
            ("w", 0, 10, "a day at sea", "summary"),
        ):
            span = Span(start, end)
            store.notes.put([Note(note_id(video, source, span, "", "", words), video, None, span, words, source)])
        yield store


def test_overview_tells_what_there_is(bench, bare, tmp_path):
    told = plain(overview(bench()))
    assert [(one["video"], one["duration_s"], one["file"]) for one in told["videos"]] == [
        ("a.mp4", 60.0, True),
        ("b.mp4", 60.0, True),
    ]
    assert told["videos"][1]["notes"] == {"caption": 10, "speech": 1}
    assert told["left_out"] == []
    other = plain(overview(bench(store=bare, folder=tmp_path, vision=None)))
    assert [one["file"] for one in other["videos"]] == [False, False]
    assert other["left_out"] == [f"{name} is not there to look at" for name in ("gone.mp4", "other.mp4")]
    assert [note["text"] for note in other["videos"][1]["summaries"]] == ["a day at sea"]
    one = plain(overview(bench(store=bare, folder=tmp_path, vision=None), "gone.mp4"))
    assert one["left_out"] == [
        "gone.mp4 is not there to look at",
        "gone.mp4 00:00:00-00:00:20 has no captions",
        "gone.mp4 00:00:30-00:01:00 has no captions",
    ]


def test_search_finds_and_cites(bench, bare, tmp_path, index):
    made = bench(image_embedder=None)
    told = plain(search(made, "an orange diamond", k=3))
    assert told["hits"][0]["video"] == "b.mp4"
    assert {hit["note"] for hit in told["hits"]} <= set(index.notes.ids())
    assert "orange diamond" in told["hits"][0]["text"]
    assert search(made, "an orange diamond", Scope(("a.mp4",))).hits == () or all(
        hit.video == "a.mp4" for hit in search(made, "an orange diamond", Scope(("a.mp4",))).hits
    )
    assert [hit.note.source for hit in search(made, "diamond", Scope(sources=("speech",))).hits] == ["speech"]
    assert plain(search(bench(store=bare, folder=tmp_path, image_embedder=None), "cat"))["left_out"] == [
        "other.mp4 has no captions"
    ]


def test_find_sees_where_a_thing_is(bench, shown):
    made = bench()
    told = plain(find(made, "red star", scope=Scope(("a.mp4",)), k=4))
    seen = [one["time_s"] for one in told["sightings"] if one["seen"]]
    assert seen
    assert all(20.0 <= time_s < 21.5 for time_s in seen)
    assert told["frames"] == shown()[0] == made.ledger.cost.frames
    assert told["left_out"] == []


def test_read_gives_the_notes_of_a_stretch_by_source(bench, bare, tmp_path):
    made = bench()
    told = plain(read(made, "b.mp4", (12, 15)))
    assert [note["source"] for note in told["notes"]] == ["caption", "speech"]
    assert (told["start_s"], told["end_s"], told["left_out"]) == (12, 15, [])
    assert [note.source for note in read(made, "b.mp4", sources=["speech"]).notes] == ["speech"]
    away = plain(read(bench(store=bare, folder=tmp_path, vision=None), "gone.mp4"))
    assert [note["text"] for note in away["notes"]] == ["hello there", "a cat on a mat"]
    assert away["left_out"] == [
        "gone.mp4 00:00:00-00:00:20 has no captions",
        "gone.mp4 00:00:30-00:01:00 has no captions",
    ]
    only = read(bench(store=bare, folder=tmp_path, vision=None), "gone.mp4", sources=["speech"])
    assert ([note.text for note in only.notes], only.left_out) == (["hello there"], ())


def test_of_too_many_notes_some_are_read_and_the_rest_is_told(bench, bare, tmp_path):
    for k in range(100):
        span, words = Span(k / 10, k / 10 + 0.05), f"number {k}"
        bare.notes.put([Note(note_id("w", "screen", span, "", "", words), "w", None, span, words, "screen")])
    told = read(bench(store=bare, folder=tmp_path, vision=None), "other.mp4", sources=["screen"])
    assert len(told.notes) == 48
    assert told.left_out == ("52 of 100 notes; read a shorter stretch for all of them",)


@pytest.mark.parametrize(
    ("span", "detail", "scale", "n"),
    [
        (None, None, "overview", 24),
        ((0, 40), None, "skim", 16),
        ((16, 24), None, "focus", 8),
        ((16, 24), "skim", "skim", 16),
    ],
)
def test_look_has_three_scales(bench, shown, span, detail, scale, n):
    made = bench()
    told = plain(look(made, "a.mp4", span, "Which things are there?", detail=detail))
    assert (told["detail"], told["frames"]) == (scale, n)
    assert (n, made.ledger.cost.vlm_calls) == shown() == (made.ledger.cost.frames, shown()[1])
    assert told["left_out"] == []
    said = " ".join(note["text"] for note in told["notes"])
    assert "red star" in said
    assert "green square" in said
    assert all(span is None or span[0] <= note["start_s"] < note["end_s"] <= span[1] for note in told["notes"])


def test_a_focus_is_no_longer_than_it_may_be(bench):
    assert look(bench(), "a.mp4", (10, 10 + 16.0), detail="focus").frames == 8
    with pytest.raises(UsageError, match="at most 16 s"):
        look(bench(), "a.mp4", (10, 10.1 + 16.0), detail="focus")


def test_look_at_times_and_at_a_part_of_a_frame(bench):
    told = look(bench(), "a.mp4", question="What is it?", times=[20.5, 41.0])
    assert [(note.span, "red star" in note.text, "blue ring" in note.text) for note in told.notes] == [
        (Span(20.5, 21.5), True, False),
        (Span(41.0, 42.0), False, True),
    ]
    near = FakeVision("x")
    look(bench(vision=near), "a.mp4", times=[1.0], region=(0.0, 0.5, 0.5, 1.0))
    assert near.calls[0][0].frames[0].shape == (32, 80, 3)
    # Named times that lie far apart are not tied together; others are.
    both = FakeVision("x")
    look(bench(vision=both), "a.mp4", times=[1.0, 1.0 + 8.0, 20.0])
    assert [len(request.frames) for request in both.calls[0]] == [2, 1]


def test_a_small_model_is_asked_of_single_frames_in_its_own_words(bench, script):
    small = FakeVision(script.say, script.yes, capabilities=script.SHORT)
    told = look(bench(vision=small), "a.mp4", (39, 42), "where is the yellow cross?", frames=3)
    assert [(note.text, note.source) for note in told.notes] == [("top right", "seen")] * 3
    assert {request.prompt for call in small.calls for request in call} == {"where is the yellow cross?"}


@pytest.mark.parametrize(
    ("operator", "events", "says"),
    [
        ("count", ["black moon"], "3"),
        ("first", ["blue ring", "red star"], "red star"),
        ("last", ["blue ring", "red star"], "blue ring"),
        ("order", ["blue ring", "red star", "purple circle"], "red star, a purple circle, a blue ring"),
        ("before_after", ["red star", "blue ring"], "Before"),
        ("duration", ["red star"], "1.5 second"),
        ("duration", ["the green square is gone"], "1.5 seconds"),
        ("overlap", ["red star", "green square"], "Yes"),
        ("overlap", ["red star", "blue ring"], "No"),
    ],
)
def test_measure_by_looking(bench, shown, operator, events, says):
    made = bench()
    told = plain(measure(made, operator, events, Scope(("a.mp4",))))
    assert told["basis"] == "looked"
    assert says in told["text"]
    assert told["confidence"] > 0.5
    assert told["frames"] == made.ledger.cost.frames == shown()[0] > 0
    assert {row["video"] for row in told["rows"]} == {"a.mp4"}
    assert all(any(event in row["event"] for event in events) for row in told["rows"])


def test_measure_says_that_a_thing_was_not_found(bench):
    told = plain(measure(bench(), "count", ["red ring"], Scope(("a.mp4",))))
    assert (told["text"], told["rows"], told["confidence"]) == ("", [], 0.0)
    assert any("was not found in a.mp4" in line for line in told["left_out"])


def test_measure_from_notes_where_nothing_can_be_looked_at(bench, bare, tmp_path, index):
    made = bench(vision=None, image_embedder=None)
    told = plain(measure(made, "count", ["purple circle"], Scope(("a.mp4",))))
    assert (told["basis"], told["text"], told["frames"]) == ("notes", "once", 0)
    assert {row["video"] for row in told["rows"]} == {"a.mp4"}
    assert all(set(row["notes"]) <= set(index.notes.ids()) and row["notes"] for row in told["rows"])
    assert "no frame" in told["left_out"][0]
    away = bench(store=bare, folder=tmp_path)
    assert measure(away, "count", ["a cat on a mat"]).basis == "notes"
    assert measure(away, "count", ["a whale"]).found is None


def test_frames_are_pictures_that_cost_nothing(bench, shown):
    made = bench()
    told = frames(made, "b.mp4", [13.1, 0.0], (0, 0, 0.5, 1))
    assert plain(told)["frames"] == [
        {"time_s": 0.0, "pts_s": 0.0, "width": 80, "height": 64},
        {"time_s": 13.1, "pts_s": 13.0, "width": 80, "height": 64},
    ]
    assert told.pictures[0].jpeg().startswith(b"\xff\xd8\xff")
    assert (shown(), made.ledger.cost.frames) == ((0, 0), 0)


def test_verify_gives_a_probability_with_its_basis(bench, bare, tmp_path, shown):
    made = bench()
    yes = plain(verify(made, "there is a red star", "a.mp4", (20, 21.5)))
    assert (yes["probability"], yes["basis"], yes["notes"], yes["left_out"]) == (0.97, "looked", [], [])
    assert all(20 <= time_s < 21.5 for time_s in yes["times_s"])
    assert len(yes["times_s"]) == made.ledger.cost.frames == shown()[0]
    assert verify(made, "there is a red star", "a.mp4", (30, 31)).probability == 0.02
    blind = plain(verify(bench(store=bare, folder=tmp_path), "a cat on a mat", "gone.mp4", (18, 32)))
    assert (blind["basis"], [note["text"] for note in blind["notes"]]) == ("notes", ["a cat on a mat"])
    assert blind["probability"] == 0.8
    assert blind["left_out"] == ["no frame: gone.mp4 is not there to look at"]
    none = verify(bench(vision=None, store=bare, folder=tmp_path), "a whale", "gone.mp4", (40, 50))
    assert (none.basis, none.probability, none.notes) == ("nothing", 0.0, ())
    assert "no model" in none.left_out[0]


def test_no_tool_leaves_its_scope(bench):
    made = bench(scope=Scope(("a.mp4",), Span(0, 30), ("caption",)))
    assert [one.video.path for one in overview(made).videos] == ["a.mp4"]
    assert {(hit.video, hit.note.source) for hit in search(made, "a green square").hits} <= {("a.mp4", "caption")}
    assert read(made, "a.mp4").span == Span(0, 30)
    assert look(made, "a.mp4", (25, 50)).span == Span(25, 30)
    assert measure(made, "count", ["black moon"]).found is not None
    assert len(measure(made, "count", ["black moon"]).found.rows) == 1
    for call in (
        lambda: read(made, "b.mp4"),
        lambda: look(made, "a.mp4", (40, 50)),
        lambda: frames(made, "a.mp4", [31.0]),
        lambda: verify(made, "a red star", "b.mp4"),
        lambda: search(made, "star", Scope(("b.mp4",))),
        lambda: find(made, "star", scope=Scope(between=Span(30, 40))),
        lambda: measure(made, "count", ["star"], Scope(sources=("speech",))),
    ):
        with pytest.raises(UsageError):
            call()


def test_what_is_read_on_demand_is_captioned_with_half_of_what_is_left(bench, bare, tmp_path):
    asked = []

    def captioner(video, span, eyes):
        asked.append((video.path, span, eyes.ledger.budget.frames))
        words = "a dog at the door"
        return [Note(note_id(video.id, "caption", span, "m", "p", words), video.id, None, span, words, "caption")]

    made = bench(store=bare, folder=tmp_path, captioner=captioner, budget=Budget(frames=20))
    told = read(made, "gone.mp4")
    assert asked == [("gone.mp4", Span(0, 20), 10), ("gone.mp4", Span(30, 60), 10)]
    made_up = "a dog at the door"
    assert [note.text for note in told.notes] == [made_up, "hello there", "a cat on a mat", made_up]
    assert told.left_out == ()
    spoken = bench(store=bare, folder=tmp_path, captioner=captioner, scope=Scope(sources=("speech",)))
    assert [note.text for note in read(spoken, "gone.mp4").notes] == ["hello there"]
    assert len(asked) == 2
    skim = look(made, "gone.mp4", (0, 40))
    assert [note.text for note in skim.notes] == ["a dog at the door"] * 2
    assert skim.left_out == ("no frame: gone.mp4 is not there to look at",)
