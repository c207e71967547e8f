"""Styles of SubStation Alpha: which carry the dialogue, and which are signs, songs and notes."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import pytest

from lvqa.media import read_subtitles
from lvqa.media.decoding.cues import Cue, is_placed, parted_by_style

pytestmark = pytest.mark.usefixtures("in_process")
CASES = Path(__file__).parents[1] / "cases/subtitles"
HEAD = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def _ass(*events):
    """A file of events: (style, text) each, one after the other, a second long."""
    lines = (
        f"Dialogue: 0,0:00:{2 * n + 1:02d}.00,0:00:{2 * n + 2:02d}.00,{style},,0,0,0,,{text}"
        for n, (style, text) in enumerate(events)
    )
    return HEAD + "\n".join(lines) + "\n"


@pytest.fixture
def kinds(tmp_path, footage):
    """The texts of dialogue and of signs in a file of events, beside a video or inside it."""

    def read(inside, *events):
        if inside:
            path = tmp_path / "a.mkv"
            (tmp_path / "in.ass").write_text(_ass(*events))
            film, source = av.open(str(footage.kind("h264.mp4").path)), av.open(str(tmp_path / "in.ass"))
            with film, source, av.open(str(path), "w") as out:
                streams = {}
                for of in (film.streams.video[0], source.streams.subtitles[0]):
                    streams[of] = out.add_stream_from_template(of)
                for container in (source, film):
                    for packet in container.demux():
                        if packet.dts is not None and packet.stream in streams:
                            packet.stream = streams[packet.stream]
                            out.mux(packet)
            (tmp_path / "in.ass").unlink()
        else:
            path = tmp_path / "a.mp4"
            shutil.copy(CASES / "ep.mp4", path)
            (tmp_path / "a.ass").write_text(_ass(*events))
        cues = read_subtitles(path)
        return [[cue.text for cue in cues if cue.kind == kind] for kind in ("dialogue", "signs")]

    return read


DIALOGUE = ("Default", "We leave at noon.")
TABLE = [
    # One style is the dialogue, whatever it is called and wherever it stands.
    ([("Sign", "said"), ("Sign", "more")], ["said", "more"], []),
    ([("Default", r"{\pos(10,20)}said"), ("Default", r"{\pos(10,20)}more")], ["said", "more"], []),
    # By what a style is called.
    *(
        ([DIALOGUE, (style, "HARBOUR")], [DIALOGUE[1]], ["HARBOUR"])
        for style in (
            "Sign",
            "Signs",
            "sign_01",
            "SignBoard",
            "TS",
            "OP",
            "OP1",
            "OP-Romaji",
            "ED",
            "ED2 English",
            "Song",
            "Songs",
            "Insert Song",
            "Karaoke",
            "Title",
            "Ep Title",
            "Note",
            "TL Note",
            "TLNote",
            "Lyrics",
            "Typesetting",
        )
    ),
    *(
        ([DIALOGUE, (style, "Come on.")], [DIALOGUE[1], "Come on."], [])
        for style in (
            "Italics",
            "Alt",
            "Top",
            "Main",
            "Flashback",
            "Stop",
            "Opposite",
            "Edward",
            "Notebook guy",
            "Desu",
        )
    ),
    # By where its events stand.
    ([DIALOGUE, ("Box", r"{\pos(10,20)}HARBOUR")], [DIALOGUE[1]], ["HARBOUR"]),
    ([DIALOGUE, ("Box", r"{\an8\move(1,2,3,4)\fs30}HARBOUR")], [DIALOGUE[1]], ["HARBOUR"]),
    ([DIALOGUE, ("Box", r"{\org(1,2)\frz30}HARBOUR")], [DIALOGUE[1]], ["HARBOUR"]),
    ([DIALOGUE, ("Box", r"{\k20}Har{\k30}bour")], [DIALOGUE[1]], ["Harbour"]),
    ([DIALOGUE, ("Alt", r"{\an8}Come on.")], [DIALOGUE[1], "Come on."], []),
    ([DIALOGUE, ("Default", r"{\pos(10,20)}Up here."), ("Alt", "Yes.")], [DIALOGUE[1], "Up here.", "Yes."], []),
    (
        [DIALOGUE, ("Alt", "We talk on."), ("Alt", r"{\pos(1,2)}Up.")],
        [DIALOGUE[1], "We talk on.", "Up."],
        [],
    ),
    # Where no style carries a dialogue, placed lines are one all the same.
    ([("A", r"{\pos(1,2)}one"), ("B", r"{\pos(1,2)}two")], ["one", "two"], []),
    ([("OP", "la la"), ("ED", "lo lo")], [], ["la la", "lo lo"]),
    # Drawings and comments are nothing; a letter alone is no sign.
    ([DIALOGUE, ("Sign", r"{\p1}m 0 0 l 100 0"), ("Sign", "x"), ("Sign", "OK")], [DIALOGUE[1]], ["OK"]),
]


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(("events", "dialogue", "signs"), TABLE)
def test_kinds_of_styles(kinds, inside, events, dialogue, signs):
    assert kinds(inside, *events) == [dialogue, signs]


def test_a_file_of_signs_alone_does_not_hide_the_text_inside(tmp_path, footage):
    path = shutil.copy(footage.make("inside.mkv", subtitles=[(0.5, 2.0, "inside")]), tmp_path / "a.mkv")
    (tmp_path / "a.ass").write_text(_ass(("OP", "la la"), ("ED", "lo lo")))
    assert [(cue.text, cue.kind) for cue in read_subtitles(Path(path))] == [
        ("inside", "dialogue"),
        ("la la", "signs"),
        ("lo lo", "signs"),
    ]


def test_a_sign_that_is_drawn_anew_is_one_and_one_that_comes_again_two():
    frames = [Cue(k / 24, (k + 1) / 24, ("HARBOUR",), "Sign", True) for k in range(24)]
    again = Cue(5, 6, ("HARBOUR",), "Sign", True)
    said = Cue(0.5, 2, ("We leave.",), "Default")
    dialogue, signs = parted_by_style(sorted([*frames, said, again], key=lambda cue: cue.begin_s))
    assert dialogue == [Cue(0.5, 2, ("We leave.",))]
    assert signs == [Cue(0.0, 1.0, ("HARBOUR",)), Cue(5, 6, ("HARBOUR",))]


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        (r"{\pos(1,2)}", True),
        (r"{\move(1,2,3,4)}", True),
        (r"{\org (1,2)}", True),
        (r"{\kf20}", True),
        (r"{\K20}", True),
        (r"{\an8\i1}", False),
        ("pos(1,2)", False),
        (r"{\position}", False),
    ],
)
def test_what_is_placed(text, placed):
    assert is_placed(text) == placed
