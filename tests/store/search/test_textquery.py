from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.language.stems import STOP_WORDS
from lvqa.store import Store, TextQuery


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("What did the woman take out of the fridge?", ("woman", "take", "fridge")),
        ("01:00:21", ("01 00 21",)),
        ("timecode 01:00:21:00?", ("timecode", "01 00 21 00")),
        ("What is he doing?", ("What", "is", "he", "doing")),
        ("the woman's hat", ("woman", "hat")),
        ("doesn't he won't go", ("go",)),
        ("who won?", ("won",)),
        ("brown-haired man", ("brown haired", "brown", "haired", "man")),
        ('"milk" AND (bread) NOT text:*^', ("milk", "bread", "text")),
        ("Milk milk MILK", ("Milk",)),
        ("冷蔵庫を開ける 人", ("冷蔵庫を開ける", "人")),
        ("what's", ("what",)),
        ("  ?!... -- 😀 \n\0", ()),
        ("", ()),
    ],
)
def test_terms(text, terms):
    assert TextQuery.of(text).terms == terms


def test_stop_words_are_lower_case_words():
    assert {"who", "what", "why", "did", "the", "is", "are"} <= STOP_WORDS
    assert all(word.islower() and word.isalpha() for word in STOP_WORDS)


@pytest.fixture
def texts(store: Store, make) -> Store:
    with store.atomic():
        store.videos.put(make.video())
        store.notes.put(
            make.note(text, start_s=i)
            for i, text in enumerate(
                [
                    "A woman opens the fridge and lifts out a milk carton",
                    "time code 01:00:21:00 at the top",
                    "time code 01:00:12:00, frame 21",
                    "a man doesn't laugh",
                    "冷蔵庫を開ける 人",
                    "Füße über Straße",
                    "who is the what",
                ]
            )
        )
    return store


@pytest.mark.parametrize(
    ("query", "starts"),
    [
        ("opened", [0]),
        ("Which woman opens a FRIDGE?", [0]),
        ("01:00:21", [1]),
        ("00:12", [2]),
        ("what is the", [6, 1, 0]),
        ("冷蔵庫を開ける", [4]),
        ("冷蔵庫", []),
        ("FÜSSE", []),
        ("fuße", [5]),
        ("zebra", []),
        ("?", []),
        ("", []),
    ],
)
def test_search_finds(texts: Store, query, starts):
    found = texts.notes.get_many(note_id for note_id, _ in texts.notes.search(query, 10))
    assert [note.span.start_s for note in found] == starts


def test_words_are_alternatives_and_rank_by_bm25(texts: Store):
    found = texts.notes.search("milk code", 10)
    assert len(found) == 3
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert texts.notes.get_many([found[0][0]])[0].span.start_s == 0
    assert all(score > 0 for _, score in found)


def test_a_query_made_of_terms(texts: Store):
    assert len(texts.notes.search(TextQuery(("milk carton",)), 5)) == 1
    assert texts.notes.search(TextQuery(("carton milk",)), 5) == []
    assert texts.notes.search(TextQuery(()), 5) == []
    assert texts.notes.search("milk", 0) == []


# Pieces of FTS5's own syntax, and characters that tokenizers treat apart.
SYNTAX = st.sampled_from(
    [
        *(
            "AND",
            "OR",
            "NOT",
            "NEAR",
            "NEAR(a b, 2)",
            '"',
            "'",
            "*",
            "^",
            "(",
            ")",
            "{",
            "}",
            ":",
            "text:",
            "-",
            "+",
            "\\",
        ),
        *("\0", "\ud800", "\u0301", "\u200b", "क्षि", "ﬁ", "İ", "١٢", "𝔸", "\ue000", "👩‍👩‍👧", "a.b", "01:02", "\ufeff"),
    ]
)


@given(st.lists(SYNTAX | st.text(max_size=8), max_size=12), st.sampled_from(["", " "]))
@settings(max_examples=400, deadline=None)
def test_no_query_is_an_error(fuzzed, pieces, joint):
    for query in (joint.join(pieces), TextQuery(tuple(pieces))):
        assert len(fuzzed.notes.search(query, 3)) <= 3


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Zs", "Zl", "Zp", "Cc"]), min_size=1))
@settings(max_examples=200, deadline=None)
def test_a_text_is_found_by_itself(fuzzed, make_row, text):
    """Whatever is written into a note, the same words find it, where they hold any letter both sides know."""
    note = make_row(text)
    if note is None or not TextQuery.of(text).terms:
        return
    with fuzzed.atomic():
        fuzzed.notes.put([note])
    try:
        rows = fuzzed.connections.rows(
            "SELECT count(*) FROM notes_fts WHERE notes_fts MATCH ?", (TextQuery.of(text).to_fts(),)
        )
        found = [note_id for note_id, _ in fuzzed.notes.search(text, 1000)]
        assert len(found) == rows[0][0]
        if text.isascii():
            assert note.id in found
    finally:
        fuzzed.notes.delete([note.id])


def test_a_very_long_query(texts: Store):
    assert texts.notes.search(" ".join(f"w{i}" for i in range(5000)) + " milk", 3) == []
    assert len(texts.notes.search("milk " + " ".join(f"w{i}" for i in range(5000)), 3)) == 1


@pytest.fixture(scope="module")
def make_row():
    from lvqa.types import Note, Span

    def row(text: str) -> Note | None:
        return Note("fuzz", "a", None, Span(0, 1), text, "caption") if text.strip() else None

    return row


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    from lvqa.types import Note, Span, Video

    with Store.open(tmp_path_factory.mktemp("fuzz"), write=True) as opened:
        opened.videos.put(Video("a", "a.mp4", "h", 9.0))
        opened.notes.put([Note("n", "a", None, Span(0, 1), "and or not near text milk", "caption")])
        yield opened
