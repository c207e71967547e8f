"""What the words of a question tell."""

from __future__ import annotations

import unicodedata

import pytest

from lvqa.agents.rules.plan import by_rules
from lvqa.language import stems, times, video_names, words
from lvqa.types import Span


@pytest.mark.parametrize(
    ("question", "phrase"),
    [
        ("When does she take the milk out of the fridge?", "she take the milk out of the fridge"),
        ("What is the title of the film?", "the title of the film"),
        ("Where is the cat?", "the cat"),
        ("Is there a dog in the garden?", "a dog in the garden"),
        ("How many chairs are there?", "chairs"),
        ("What is the film called?", "the film called"),
        ("What kind of animal is on the table?", "animal on the table"),
        ("Who opened the fridge first?", "opened the fridge first"),
        ("What color is the car?", "color is the car"),
        ("a red car", "a red car"),
        ("Why?", "Why"),
    ],
)
def test_declarative(question, phrase):
    assert words.declarative(question) == phrase


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("01:00:21", ["01:00:21"]),
        ('who says "mind the gap" here', ["mind the gap"]),
        ("flight AB-12 leaves", ["AB-12"]),
        ("version 3.14 of it.", ["3.14"]),
        ("a well-known man", []),
        ("who pours milk between 10:00 and 11:00?", []),
        ("which clock reads 10:00?", ["10:00"]),
        ("when is it 5 o'clock?", []),
    ],
)
def test_exact_parts(query, parts):
    assert words.exact_parts(query) == parts


def test_a_time_code_is_had_exactly_where_it_begins_a_run():
    assert words.has_exactly("x 01:00:21:05 y", "01:00:21") == 1
    assert words.has_exactly("22:01:00:21", "01:00:21") == 0.5
    assert words.has_exactly("01:00:210", "01:00:21") < 0.5
    assert words.has_exactly("BIG BUCK\nBUNNY", "big buck bunny") == 1
    assert words.has_exactly("nothing", "01:00:21") == 0


@pytest.mark.parametrize(
    ("question", "span"),
    [
        ("What happens between 1:00 and 2:30?", Span(60, 150)),
        ("What does he do from 0:10 to 0:20?", Span(10, 20)),
        ("Who appears in the first 2 minutes?", Span(0, 120)),
        ("Who is there at 0:21?", Span(19, 24)),
        ("What is shown when the clock reads 01:00:21?", None),
        ("What is on screen at 01:00:21 on the time code?", None),
        ("Between 2:30 and 1:00, what?", None),
        ("At 0:21 in a.mp4, what can be read on the sign?", Span(19, 24)),
        ("What does the sign say at 0:21?", Span(19, 24)),
        ("What happens when the timer shows a time of 0:21?", None),
        ("Who is there?", None),
    ],
)
def test_times_that_a_question_names(question, span):
    assert times.times(question) == span


def test_files_that_are_mentioned_are_told_in_order() -> None:
    paths = ["a.mp4", "b.mp4", "old/b.mp4", "clip_1.mp4"]
    mentioned = video_names.mentioned_videos("Which video shows it, clip_1, b.mp4 or a.mp4, or clip_1.mp4?", paths)
    assert mentioned == ("clip_1.mp4", "b.mp4", "old/b.mp4", "a.mp4")
    assert video_names.mentioned_videos("Which video shows it?", paths) == ()


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is the title of the film?", "title"),
        ("What is the film called?", "title"),
        ("What's the name of this movie?", "title"),
        ("What title appears on the screen?", "title"),
        ("What is the man called?", "attribute"),
        ("How many people sit down?", "count"),
        ("How often does he jump?", "count"),
        ("When does she leave?", "when"),
        ("What time is it when she leaves?", "when"),
        ("What time code is shown at 0:21?", "text"),
        ("What does the sign say?", "text"),
        ("What is written on the board?", "text"),
        ("What does he say about Paris?", "speech"),
        ("What does she do after she sits down?", "before_after"),
        ("Why does he run?", "cause"),
        ("How does he open it?", "how"),
        ("Is there a dog?", "existence"),
        ("Who wears a hat?", "attribute"),
        ("milk carton", "other"),
    ],
)
def test_kind_of_question_by_rule(question, kind):
    assert by_rules(question).kind == kind


def test_plan_by_rule_searches_question_description_parts_and_options():
    plan = by_rules("What does the boy do after the girl falls down?", ("laugh", "cry"))
    assert plan.phrases[0] == "What does the boy do after the girl falls down?"
    assert "the girl falls down" in plan.phrases
    assert plan.phrases[-2:] == (
        "What does the boy do after the girl falls down? laugh",
        "What does the boy do after the girl falls down? cry",
    )


def test_stems_bring_forms_of_a_word_together():
    assert stems.content("the boys were running") == stems.content("a boy runs")
    assert stems.coverage(stems.content("opening fridges"), "she opens the fridge") == 1
    assert stems.coverage(stems.content("red bus"), "a red car") == 0.5


@pytest.mark.parametrize(
    ("question", "rest", "named"),
    [
        ("What happens in a.mp4?", "What happens?", {"a.mp4"}),
        ("When does 01:00:21:00 show in the video A.MP4?", "When does 01:00:21:00 show?", {"a.mp4"}),
        ("Is a dog in day 2/team b.mp4 or in a.mp4?", "Is a dog?", {"day 2/team b.mp4", "a.mp4"}),
        ("Is a red star in both clip_1 and team b.mp4?", "Is a red star?", {"clip_1.mp4", "day 2/team b.mp4"}),
        ("What is said in b.mp4?", "What is said?", {"b.mp4", "old/b.mp4"}),
        ("What is in team b.mp4?", "What is?", {"day 2/team b.mp4"}),
        ("in a.mp4", "in a.mp4", {"a.mp4"}),
        ("Is a dog there at the same time as a cat in a.mp4?", "Is a dog there at the same time as a cat?", {"a.mp4"}),
        ("What is the same as in a.mp4?", None, set()),
        # Said of a file, not where to look.
        ("Which other video shows the car of a.mp4?", None, set()),
        ("Is there a dog except in a.mp4?", None, set()),
        ("Does a.mp4 show a dog?", None, set()),
        ("What stands in aa.mp4x, or in a.mp4.bak?", None, set()),
        ("How many dogs are in 12 scenes?", None, set()),
    ],
)
def test_a_file_that_a_question_names_says_where_to_look(question, rest, named):
    paths = ["a.mp4", "day 2/team b.mp4", "b.mp4", "old/b.mp4", "12.mp4", "clip_1.mp4"]
    assert video_names.named_videos(question, paths) == (question if rest is None else rest, named)


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["Übung.mp4", "Tag 1/Zoë_2.mov"])
def test_a_file_is_named_in_either_form_of_unicode(stored, asked, name):
    path, question = unicodedata.normalize(stored, name), unicodedata.normalize(asked, f"What is said in {name}?")
    assert video_names.named_videos(question, ["a.mp4", path]) == ("What is said?", {path})
    assert video_names.mentioned_videos(question, ["a.mp4", path]) == (path,)


@pytest.mark.parametrize("question", ["what is seen between 99:99 and 00:10?", "what is it, at 0:75?"])
def test_a_clock_that_there_is_not_names_no_time(question):
    assert times.times(question) is None


def test_a_zero_byte_in_a_question_is_no_file():
    assert video_names.named_videos("what is in \x007\x00?", ["a.mp4"]) == (
        "what is in 7 ?".replace(" ?", "?"),
        frozenset(),
    )
