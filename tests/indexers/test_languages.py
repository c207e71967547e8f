"""Sound that a file says to be in a language which the transcriber does not know: told, and not heard as junk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video
from lvqa.indexers.progress import NoProgress
from lvqa.indexers.stages.listen import Listener
from lvqa.indexers.stages.sound import tracks_to_hear
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.media import probe
from lvqa.models.base import Utterance
from lvqa.models.fake import FakeTranscriber
from lvqa.store import Filter
from lvqa.types import Span


class English(FakeTranscriber):
    languages = frozenset({"en"})


class Told(NoProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def _film(path: Path, *languages: str) -> Path:
    """A film with an audio track for each language."""
    plain = path.with_name("plain.mp4")
    write_video(plain, (np.full((48, 64, 3), 90, np.uint8) for _ in range(20)), fps=5, audio=True)
    with av.open(str(path), "w") as out:
        sources = [av.open(str(plain)) for _ in languages]
        streams = {}
        for number, (source, language) in enumerate(zip(sources, languages, strict=True)):
            if not number:
                streams[source, "video"] = out.add_stream_from_template(source.streams.video[0])
            streams[source, "audio"] = sound = out.add_stream_from_template(source.streams.audio[0])
            if language:
                sound.metadata["language"] = language
        for source in sources:
            for packet in source.demux():
                stream = streams.get((source, packet.stream.type))
                if packet.dts is not None and stream is not None:
                    packet.stream = stream
                    out.mux(packet)
            source.close()
    plain.unlink()
    return path


def _listener(transcriber: Any) -> Listener:
    return Listener(StageModel("whisper:tiny.en", transcriber))


@pytest.mark.parametrize(
    ("tagged", "setting", "language", "heard", "told"),
    [
        (["ger"], 0, "", [], ["de"]),
        (["fra"], 0, "", [], ["fr"]),
        (["jpn"], 0, "", [], ["ja"]),
        (["gsw"], 0, "", [], ["gsw"]),
        (["eng"], 0, "", [1], []),
        (["en-GB"], 0, "", [1], []),
        (["und"], 0, "", [1], []),
        (["zxx"], 0, "", [1], []),
        ([""], 0, "", [1], []),
        (["ger"], 0, "en", [0], []),  # whoever sets the language knows better than the mark
        (["ger", "eng"], 2, "", [2], []),
        (["eng", "ger"], 2, "", [], ["de"]),
        (["ger", "eng", "fre"], -1, "", [2], ["de", "fr"]),
    ],
)
def test_what_an_english_model_hears(
    tmp_path: Path, tagged: list[str], setting: int, language: str, heard: list[int], told: list[str]
) -> None:
    path = _film(tmp_path / "a.mkv", *tagged)
    tracks, lines = tracks_to_hear(path, setting, _listener(English()), language)
    assert tracks == heard
    assert len(lines) == len(told)
    for line, code in zip(lines, told, strict=True):
        assert f"is marked as {code!r}, and whisper:tiny.en knows en only: not heard" in line
    assert tracks_to_hear(path, setting, _listener(FakeTranscriber()), language)[1] == []


def test_languages_of_tracks_are_probed(tmp_path: Path) -> None:
    assert probe(_film(tmp_path / "a.mkv", "ger", "", "en-GB")).audio_languages == ("de", "", "en-gb")
    assert probe(_film(tmp_path / "a.mp4", "ger", "eng")).audio_languages == ("de", "en")


def test_a_german_film_is_told_once_and_not_heard(kit: Any, folder: Path) -> None:
    _film(folder / "german.mkv", "ger")
    _film(folder / "english.mkv", "eng")
    kit.asr = English([Utterance(Span(0, 2), "Hello.")])
    told = Told()
    kit.run(progress=told)
    assert [line for line in told.lines if "not heard" in line] == [line for line in told.lines if "german.mkv" in line]
    assert len(told.lines) == 1
    with kit.store() as store:
        owners = {video.id: video.path for video in store.videos.all()}
        speech = store.notes.select(Filter(sources=frozenset(["speech"])))
        assert [owners[note.video_id] for note in speech] == ["english.mkv"]
    told.lines.clear()
    assert kit.run(progress=told).unchanged == 2
    kit.asr = FakeTranscriber([Utterance(Span(0, 2), "Hallo.")], name="fake:multilingual")
    kit.run(progress=told)
    with kit.store() as store:
        assert len(store.notes.select(Filter(sources=frozenset(["speech"])))) == 2
    assert told.lines == []
