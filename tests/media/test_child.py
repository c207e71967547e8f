"""The child's own side, run in this process over two pipes: what `test_isolated` sees from outside."""

from __future__ import annotations

import contextlib
import os
import threading
from multiprocessing.connection import Pipe

import numpy as np
import pytest

from lvqa.errors import MediaError
from lvqa.media.decoding import container
from lvqa.media.decoding.container import PULSE, packets
from lvqa.media.decoding.in_process import InProcess
from lvqa.media.isolation import child
from lvqa.media.isolation.child import Server
from lvqa.media.isolation.wire import fill, send, unpack
from lvqa.media.values import MOST_PIXELS, fitted


class Talk:
    """Asks a server that runs in a thread."""

    def __init__(self):
        requests, self.out = Pipe(duplex=False)
        self.back, answers = Pipe(duplex=False)
        self.number = 0
        self.ended = None
        self.thread = threading.Thread(target=self._run, args=(requests, answers))
        self.thread.start()
        assert self.hear() == ({"kind": "ready", "id": 0}, b"")

    def _run(self, requests, answers):
        try:
            Server(requests, answers).run()
        except SystemExit as error:
            self.ended = error
        requests.close()
        answers.close()

    def say(self, **request):
        self.number += 1
        send(self.out, {"id": self.number, **request})

    def hear(self):
        header = unpack(self.back.recv_bytes())
        data = bytearray(header.pop("bytes", 0))
        fill(self.back, memoryview(data))
        return header, bytes(data)

    def ask(self, **request):
        """All answers, the last of which is final."""
        self.say(**request)
        found = []
        while not found or "clean" not in found[-1][0]:
            found.append(self.hear())
        assert all(header["id"] == self.number for header, _ in found)
        return found

    def close(self):
        self.out.close()
        self.thread.join()
        self.back.close()


@pytest.fixture
def talk():
    talk = Talk()
    yield talk
    with contextlib.suppress(OSError):
        talk.close()


def _file(path):
    return {"path": os.fsencode(path).hex()}


def _reader(path, number=1):
    return {**_file(path), "reader": number, "max_side": None, "backend": "auto"}


def test_every_request_has_its_answers(talk, footage):
    path = footage.make("all.mkv", audio=True, subtitles=[(0.5, 2.0, "one"), (2.5, 4.0, "two")])
    (info, _), done = talk.ask(op="probe", **_file(path))
    assert info["info"]["width"] == 256
    assert done == ({"kind": "done", "clean": True, "id": 1}, b"")
    (opened, _), _ = talk.ask(op="open", **_reader(path))
    assert opened["info"] == info["info"]
    assert opened["backend"] == "pyav"
    frames = talk.ask(op="at", times_s=[1.0, 1.01, 2.0], info=info["info"], **_reader(path))[:-1]
    assert [(header["time_s"], header["same"], len(data)) for header, data in frames] == [
        (1.0, False, 256 * 128 * 3),
        (1.01, True, 0),
        (2.0, False, 256 * 128 * 3),
    ]
    sampled = talk.ask(op="sample", fps=1.0, span=[2.0, 4.0], **_reader(path))[:-1]
    assert [header["time_s"] for header, _ in sampled] == [2.0, 3.0]
    assert footage.number(np.frombuffer(sampled[1][1], np.uint8).reshape(128, 256, 3)) == 30
    assert len(talk.ask(op="sample", fps=1.0, span=None, **_reader(path))) == 8
    sound = talk.ask(op="audio", rate=8000, chunk_s=2.0, **_file(path))[:-1]
    # A chunk ends where it was quiet last, within its last fifth.
    count = sound[0][0]["count"]
    assert sound[0][0] == {"kind": "audio", "offset_s": 0.0, "count": count, "id": talk.number}
    assert 0.8 * 16000 <= count <= 16000
    assert len(sound[0][1]) == 4 * count
    ((cues, _), _) = talk.ask(op="subtitles", **_file(path))
    assert cues["cues"] == [[0.5, 2.0, "one", "", "dialogue"], [2.5, 4.0, "two", "", "dialogue"]]
    assert len(talk.ask(op="close", reader=1)) == len(talk.ask(op="close", reader=1)) == 1


def test_long_subtitles_come_in_parts(talk, footage, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(footage.kind("h264.mp4").path.read_bytes())
    lines = [f"{k}\n00:00:{k:02d},000 --> 00:00:{k:02d},900\n{'word ' * 3000}\n" for k in range(10)]
    path.with_suffix(".srt").write_text("\n".join(lines))
    answers = talk.ask(op="subtitles", **_file(path))[:-1]
    cues = [cue for header, _ in answers for cue in header["cues"]]
    assert len(cues) == 10
    assert len(answers) == 3
    assert {len(text) for _, _, text, *_ in cues} == {9999}


def test_only_some_readers_stay_open(talk, footage):
    path = footage.kind("h264.mp4").path
    for number in range(child.MOST_OPEN + 2):
        talk.ask(op="open", **_reader(path, number))
    assert talk.ask(op="at", times_s=[1.0], **_reader(path, 0))[-1][0]["kind"] == "done"


def test_errors_are_answers(talk, footage, tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    (tmp_path / "a.srt").write_text("no cue")
    assert talk.ask(op="probe", **_file(tmp_path / "a.mp4"))[0][0]["kind"] == "media"
    assert talk.ask(op="subtitles", **_file(tmp_path / "a.mp4"))[0][0]["kind"] == "subtitle"
    for error, kind in ((MemoryError(), "memory"), (container.OutOfMemory(tmp_path), "memory"), (KeyError(5), "other")):

        def fail(self, path, *, exact, error=error):
            raise error

        monkeypatch.setattr(InProcess, "probe", fail)
        assert talk.ask(op="probe", **_file(tmp_path / "a.mp4"))[0][0]["kind"] == kind


def test_damage_is_told(talk, footage, tmp_path):
    path = footage.damaged(tmp_path)
    assert talk.ask(op="sample", fps=10.0, span=None, **_reader(path))[-1][0]["clean"] is False
    good = footage.kind("h264.mp4").path
    assert talk.ask(op="probe", **_file(good))[-1][0]["clean"] is True


def test_a_request_is_taken_back(talk, footage):
    talk.say(op="sample", fps=10.0, span=None, **_reader(footage.kind("h264.mp4").path))
    assert talk.hear()[0]["kind"] == "frame"
    send(talk.out, {"op": "stop"})
    heard = [talk.hear()[0]["kind"]]
    while heard[-1] == "frame":
        heard.append(talk.hear()[0]["kind"])
    assert heard[-1] == "done"
    assert len(heard) < 10
    # Too late: the answer was final already.
    send(talk.out, {"op": "stop"})
    assert talk.ask(op="close", reader=1)[0][0]["kind"] == "done"


def test_a_long_read_gives_signs_of_life_and_listens(talk, footage, monkeypatch):
    monkeypatch.setattr(child, "_BEAT_S", 0.0)
    path = footage.kind("h264.mp4").path
    answers = talk.ask(op="probe", **_file(path))
    assert [header["kind"] for header, _ in answers][:2] == ["beat", "beat"]
    talk.say(op="probe", **_file(path))
    send(talk.out, {"op": "stop"})
    heard = []
    while not heard or "clean" not in heard[-1]:
        heard.append(talk.hear()[0])
    assert heard[-1]["kind"] == "done"
    assert "info" not in [header["kind"] for header in heard]


def test_it_ends_with_its_requests(talk, footage):
    talk.say(op="sample", fps=10.0, span=None, **_reader(footage.kind("h264.mp4").path))
    talk.out.close()
    while os.read(talk.back.fileno(), 1 << 20):
        pass
    talk.thread.join()
    assert isinstance(talk.ended, SystemExit)
    talk.back.close()


# -- what is bounded, wherever it is read


def test_no_frame_is_given_out_larger_than_some_pixels():
    assert fitted(8192, 4320, None) == (8192, 4320)
    assert fitted(1, 1, None) == (1, 1)
    width, height = fitted(16384, 16384, None)
    assert 0.9 * MOST_PIXELS < width * height <= MOST_PIXELS
    assert width == height
    assert fitted(1 << 20, 1 << 20, 100) == (100, 100)
    assert fitted(100_000_000, 1, None)[1] == 1
    assert fitted(640, 360, 320) == (320, 180)


class Endless:
    """A container whose tables lead to the same packet again and again."""

    size = 1000

    def __init__(self, packet_bytes):
        self.packet_bytes = packet_bytes

    def demux(self, *streams):
        while True:
            yield type("Packet", (), {"size": self.packet_bytes})()


@pytest.mark.parametrize("packet_bytes", [0, 1 << 20])
def test_a_pass_over_a_file_ends(packet_bytes):
    PULSE.damaged = 0
    count = sum(1 for _ in packets(Endless(packet_bytes)))
    assert count == (100_250 if not packet_bytes else 64)
    assert PULSE.damaged == 1


def test_a_stream_that_comes_late_ends_nothing():
    class Late:
        size = 1000
        turns = 0

        def demux(self, *streams):
            self.turns += 1
            yield type("Packet", (), {"size": self.turns})()
            if self.turns < 4:
                raise IndexError

    assert [packet.size for packet in packets(Late())] == [1, 2, 3, 4]


def test_threads_are_fewer_for_large_pictures(footage, monkeypatch):
    monkeypatch.setattr(container.os, "cpu_count", lambda: 64)
    with container.open_container(footage.kind("h264.mp4").path) as opened:
        (stream,) = opened.streams.video
        container.use_threads(stream)
        assert stream.codec_context.thread_count == 0
        monkeypatch.setattr(container, "_THREADS_BYTES", 3 * 256 * 128 * 3)
        container.use_threads(stream)
        assert stream.codec_context.thread_count == 3


def test_memory_that_runs_out_is_no_damage(footage, tmp_path):
    class Packet:
        def decode(self):
            raise container.av.error.MemoryError(container.errno.ENOMEM, "no memory")

    with pytest.raises(MediaError, match="more memory to decode"):
        container.decoded(Packet(), tmp_path / "a.mp4")
