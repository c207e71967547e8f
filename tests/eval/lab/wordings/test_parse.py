"""Questions become programs, whatever their wording; what is no question about time is left to others."""

from __future__ import annotations

import pytest

from lvqa.eval.lab.wordings.parse import noun_phrases, parse
from lvqa.eval.lab.world.questions.templates import TEMPLATES
from lvqa.types import Span

HOLES = {
    "video": "alder.mp4",
    "video2": "birch.mp4",
    "a": "a red star",
    "b": "an orange ring",
    "c": "a black moon",
    "the": "the red star",
    "time": "00:01:23",
    "shape": "star",
    "colour": "red",
    "other": "blue",
}
VIDEOS = ("oak.mp4", "birch.mp4", "sub/alder.mp4")
WORDINGS = [
    (template, wording, with_options)
    for template in TEMPLATES
    for with_options, wordings in ((False, template.open), (True, template.options))
    for wording in wordings
]
CHANGES = {"vanish": "vanish", "recolour": "recolour", "move": "move", "colour": "recolour"}
KINDS_OF_NONE = {"when": "when", "place": "place", "duration": "duration", "sign": "sign", "colour": "attribute"}


@pytest.mark.parametrize(("template", "wording", "with_options"), WORDINGS)
def test_every_wording_of_the_worlds_questions_is_read(template, wording, with_options):
    options = ("a white moon", "a red cross") if with_options else ()
    query = parse(wording.format(**HOLES), options, VIDEOS)
    assert query is not None
    assert query.op == (KINDS_OF_NONE[template.kind] if template.type == "unanswerable" else template.type)
    across = template.type == "across"
    assert query.videos == (("sub/alder.mp4", "birch.mp4") if across else ("sub/alder.mp4",))
    assert query.at == (Span(83, 84) if "{time}" in wording else None)
    if template.type not in ("existence", "count_objects", "sign", "across", "before_after", "first_last", "order"):
        assert query.change == CHANGES.get(template.kind, "appear")
    named = [HOLES[hole].split(" ", 1)[1] for hole in ("a", "b", "c") if f"{{{hole}}}" in wording]
    named = named or (["red star"] if "{the}" in wording else [])
    if query.op == "sign":
        assert query.targets == ("sign", *named)
    elif template.kind in ("colour_at", "shape_at"):
        assert query.targets == ("star" if template.kind == "colour_at" else "red object",)
        assert query.aspect == template.kind.removesuffix("_at")
    elif template.type == "count_objects":
        assert query.targets == ("objects",)
    else:
        assert query.targets == tuple(named)
    assert query.among == (with_options and wording.startswith("Which of these"))
    if template.kind in ("before", "after", "first", "last") and (with_options or template.type == "first_last"):
        assert query.side == template.kind
    if template.kind == "recolour":
        assert query.to == ("blue" if "{other}" in wording else "")
    if across and with_options:
        assert query.both == template.kind.replace("_", " ")
    if template.kind == "unseen" and with_options:
        assert query.negated


@pytest.mark.parametrize(
    ("question", "op", "targets"),
    [
        ("When is the brown dog visible?", "when", ("brown dog",)),
        ("Is there ever a fire truck in oak.mp4?", "existence", ("fire truck",)),
        ("How many times does the dog with a hat appear?", "count_events", None),
        ("How often is a fire truck seen?", "count_events", ("fire truck",)),
        ("How long is the cat there?", "duration", ("cat",)),
        ("What color is the car at 1:05?", "attribute", ("car",)),
        ("how many chairs are there at 0:12?", "count_objects", ("chairs",)),
        ("Where is the red cup at 00:00:07?", "place", ("red cup",)),
        ("What does the poster say while a cat is there?", "sign", ("poster", "cat")),
        ("Does a cat come before or after a dog?", "before_after", ("cat", "dog")),
        ("Which is seen first, a cat or a dog?", "first_last", ("cat", "dog")),
        ("In what order do a cat, a dog and a cow appear?", "order", ("cat", "dog", "cow")),
        ("At which moment does the lamp disappear?", "when", ("lamp",)),
    ],
)
def test_other_wordings_and_other_worlds(question, op, targets):
    query = parse(question, (), VIDEOS)
    if targets is None:
        assert query is None  # two things where the program takes one: left to others
    else:
        assert query is not None
        assert (query.op, query.targets) == (op, targets)


@pytest.mark.parametrize(
    "question",
    [
        "Why does the woman laugh?",
        "What is the title of the film?",
        "Who presents the show?",
        "What does the narrator say about the hot stove?",
        "How is bread made?",
        "",
    ],
)
def test_what_is_no_program_is_not_read(question):
    assert parse(question, (), VIDEOS) is None


def test_a_plain_word_is_no_video():
    query = parse("Does an oak appear in birch.mp4?", (), VIDEOS)
    assert query is not None
    assert query.videos == ("birch.mp4",)
    assert query.targets == ("oak",)


def test_a_stretch_that_is_named():
    query = parse("Is a cat seen between 0:10 and 1:00?", (), VIDEOS)
    assert query is not None
    assert query.at == Span(10, 60)


def test_noun_phrases_end_at_verbs_and_prepositions():
    assert noun_phrases("does the red star move to another place") == ["red star"]
    assert noun_phrases("a cat, an old dog and the cow appear") == ["cat", "old dog", "cow"]
