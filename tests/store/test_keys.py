from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lvqa.store import Store, note_id, stage_key
from lvqa.store.keys import clean_text, decode_path, encode_path
from lvqa.types import Span, Video

# What os.fsdecode can give: any text, with lone surrogates for bytes that are no UTF-8.
PATHS = st.binary(max_size=30).map(os.fsdecode) | st.text(max_size=30)


def test_stage_key_is_stable_across_runs_and_orders():
    key = stage_key("h", "caption", "hf:m", "p", {"fps": 1.0, "frames": 4})
    assert key == stage_key("h", "caption", "hf:m", "p", {"frames": 4, "fps": 1.0})
    assert len(key) == 64


@pytest.mark.parametrize(
    "other",
    [
        ("H", "caption", "m", "p", {"a": 1}),
        ("h", "screen", "m", "p", {"a": 1}),
        ("h", "caption", "M", "p", {"a": 1}),
        ("h", "caption", "m", "P", {"a": 1}),
        ("h", "caption", "m", "p", {"a": 2}),
        ("hcaption", "", "m", "p", {"a": 1}),
    ],
)
def test_stage_key_changes_with_every_part(other):
    assert stage_key(*other) != stage_key("h", "caption", "m", "p", {"a": 1})


def test_stage_key_refuses_what_is_not_stable():
    with pytest.raises(TypeError):
        stage_key("h", "s", "m", "p", {"a": object()})
    with pytest.raises(ValueError, match="JSON"):
        stage_key("h", "s", "m", "p", {"a": float("nan")})


def test_note_id_follows_from_content_to_the_millisecond():
    one = note_id("v", "caption", Span(1.0, 2.0), "m", "p", "text")
    assert one == note_id("v", "caption", Span(1.0000001, 2.0), "m", "p", "text")
    assert one != note_id("v", "caption", Span(1.001, 2.0), "m", "p", "text")
    assert one != note_id("v", "speech", Span(1.0, 2.0), "m", "p", "text")


@given(PATHS)
@example("plain/100%.mp4")
@example("\ufffd%FF.mp4")
@example("\udcff.mp4")
@example("\ufffd%EF\udcbf.mp4")
def test_paths_survive_the_database(path):
    stored = encode_path(path)
    stored.encode("utf-8")
    if not any(0xD800 <= ord(c) < 0xDC80 or 0xDCFF < ord(c) < 0xE000 for c in path):
        assert os.fsencode(decode_path(stored)) == os.fsencode(path)


@given(st.text(), st.text())
def test_two_names_never_become_one(a, b):
    assert (encode_path(a) == encode_path(b)) == (a == b)


def test_ordinary_names_are_stored_as_they_are():
    for name in ("a b.mp4", "100%.mp4", "ünï/😀'\"\n.mkv"):
        assert encode_path(name) == name


@given(st.text(alphabet=st.characters(categories=("L", "Cs", "Po", "Cc")), max_size=20))
def test_clean_text_can_be_stored_and_keeps_what_could_be(text):
    clean = clean_text(text)
    clean.encode("utf-8")
    assert [c for c in clean if c != "\ufffd"] == [c for c in text if not 0xD800 <= ord(c) <= 0xDFFF and c != "\ufffd"]


def test_a_file_of_undecodable_name_is_found_again(store: Store, tmp_path: Path):
    raw = os.fsencode(str(tmp_path)) + b"/bad\xff%41\xfe.mp4"
    file = Path(os.fsdecode(raw))
    file.touch()
    name = file.name
    with store.atomic():
        store.videos.put(Video("v", name, "h", 1.0))
        store.files.put(name, "v", 0, 0)
    (video,) = store.videos.all()
    assert (tmp_path / video.path).exists()
    assert store.files.get(name) is not None
    assert store.videos.find(name) == [video]
    assert store.files.remove(name).videos == 1


def test_keys_and_ids_stay_what_they_were():
    """Written down: with other keys all of every archive would be captioned again."""
    assert stage_key("h", "caption", "m", "p", {"a": 1, "b": [2.5]}) == (
        "e482bcc049d7affdce0f61c9285863c33a2e24a5449bbbe95a62de54a60b71c5"
    )
    assert note_id("v", "caption", Span(1.2344, 2.5), "m", "p", "text") == "828077792ef751f6e34abd71012c9f06"
    assert (
        encode_path("a\udc80b\udcff\ud800\ufffd%")
        == "a\ufffd%80b\ufffd%FF\ufffd%ED\ufffd%A0\ufffd%80\ufffd%EF\ufffd%BF\ufffd%BD%"
    )
    assert clean_text("a\ud800b\udfffc") == "a\ufffdb\ufffdc"
