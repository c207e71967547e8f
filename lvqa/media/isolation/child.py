"""The process that decodes: `python -m lvqa.media.isolation.child`, started and asked by `process` beside it.

Reads requests from stdin and answers them one by one on stdout (`wire`), by reading the videos itself
(`lvqa.media.decoding`), with limits on memory, files and writing that it sets before it touches one. Ends when stdin
ends, and at once when the process that started it does. Imports numpy, PyAV and this room alone; knows no model, no
store and no setting.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.errors import LvqaError, NoVideo, SubtitleError
from lvqa.media.decoding.container import PULSE, OutOfMemory
from lvqa.media.decoding.decoder import FrameDecoder
from lvqa.media.decoding.in_process import InProcess
from lvqa.media.isolation.wire import Header, send, unpack
from lvqa.media.values import SubtitlePicture, TimedFrame, VideoInfo
from lvqa.types import Span, clock_of, clock_rows

# Videos kept open between requests: an agent looks at several in turn.
MOST_OPEN = 4
_BEAT_S = 1.0
_TEXT = 50_000  # characters of subtitles in a message; a header has room for them however they are escaped
_FILES = 64  # that may be open at a time

Answer = Iterator[tuple[Header, memoryview | None]]


class Stopped(Exception):
    """The request being answered was taken back."""


class Server:
    """Answers the requests that come from one pipe, into another."""

    def __init__(self, requests: Connection, answers: Connection) -> None:
        self._requests = requests
        self._answers = answers
        self._transport = InProcess()
        self._readers: OrderedDict[int, FrameDecoder] = OrderedDict()
        self._id = 0
        self._beaten = time.monotonic()
        self._operations: dict[str, Callable[[Header], Answer]] = {
            "probe": self._probe,
            "open": self._open,
            "at": self._at,
            "sample": self._sample,
            "close": self._close,
            "audio": self._audio,
            "subtitles": self._subtitles,
        }

    def run(self) -> None:
        """Answer until there are no more requests."""
        self._send({"kind": "ready"})
        PULSE.on_beat = self._beat
        try:
            while (request := self._next()) is not None:
                if request["op"] != "stop":  # one that came after the last answer
                    self._answer(request)
        finally:
            PULSE.on_beat = None
            for reader in self._readers.values():
                reader.close()

    def _answer(self, request: Header) -> None:
        self._id, PULSE.damaged, self._beaten = request["id"], 0, time.monotonic()
        last: Header
        try:
            for header, data in self._operations[request["op"]](request):
                self._send(header, data)
                self._look_for_stop()
            last = {"kind": "done"}
        except Stopped:
            last = {"kind": "done"}
        except (OutOfMemory, MemoryError):
            last = {"kind": "memory"}
        except SubtitleError as error:
            last = {"kind": "subtitle", "text": str(error)}
        except NoVideo as error:
            last = {"kind": "none", "text": str(error)}
        except LvqaError as error:
            last = {"kind": "media", "text": str(error)}
        except Exception as error:
            # Whatever a damaged file leads to is that file's fault, and said of it.
            last = {"kind": "other", "text": f"{type(error).__name__}: {error}"}
        self._send({**last, "clean": not PULSE.damaged})

    def _send(self, header: Header, data: memoryview | None = None) -> None:
        send(self._answers, {**header, "id": self._id}, data)

    def _next(self) -> Header | None:
        try:
            return unpack(self._requests.recv_bytes())
        except (EOFError, OSError):  # it ended, between two requests or within one
            return None

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beaten >= _BEAT_S:
            self._beaten = now
            self._send({"kind": "beat"})
            self._look_for_stop()

    def _look_for_stop(self) -> None:
        # While a request is answered nothing can come but that it is taken back, or the end.
        if self._requests.poll(0):
            if self._next() is None:
                raise SystemExit
            raise Stopped

    # -- what can be asked for

    def _probe(self, request: Header) -> Answer:
        yield _told(self._transport.probe(_path(request), exact=request.get("exact", True))), None

    def _open(self, request: Header) -> Answer:
        reader = self._reader(request)
        yield {**_told(reader.info), "backend": reader.backend}, None

    def _at(self, request: Header) -> Answer:
        yield from _frames(self._reader(request).rising(request["times_s"]))

    def _sample(self, request: Header) -> Answer:
        span = Span(*request["span"]) if request["span"] is not None else None
        yield from _frames(self._reader(request).sample(request["fps"], span))

    def _close(self, request: Header) -> Answer:
        reader = self._readers.pop(request["reader"], None)
        if reader is not None:
            reader.close()
        yield from ()

    def _audio(self, request: Header) -> Answer:
        wanted = (request["rate"], request["chunk_s"], request.get("track", 0))
        for offset_s, samples in self._transport.audio(_path(request), *wanted):
            yield {"kind": "audio", "offset_s": offset_s, "count": len(samples)}, samples.data.cast("B")

    def _subtitles(self, request: Header) -> Answer:
        batch: list[list[Any]] = []
        length = 0
        told: list[str] = []

        def give(picture: SubtitlePicture) -> None:
            height, width = picture.image.shape
            of = {"span": [picture.span.start_s, picture.span.end_s], "language": picture.language, "of": picture.kind}
            header = {"kind": "picture", "width": width, "height": height, **of}
            self._send(header, np.ascontiguousarray(picture.image).data.cast("B"))
            self._look_for_stop()

        on_picture = give if request.get("pictures") else None
        for cue in self._transport.subtitles(_path(request), told.append, on_picture):
            batch.append([cue.span.start_s, cue.span.end_s, cue.text, cue.language, cue.kind])
            length += 100 + len(cue.text)
            if length > _TEXT:
                yield {"kind": "cues", "cues": batch}, None
                batch, length = [], 0
        yield {"kind": "cues", "cues": batch}, None
        for line in told:
            yield {"kind": "told", "text": line}, None

    def _reader(self, request: Header) -> FrameDecoder:
        number = request["reader"]
        if number not in self._readers:
            info = request.get("info")
            clock = clock_of(request.get("clock", ()))
            known = None
            if info is not None:
                lists = {"clock": clock_of(info["clock"]), "audio_languages": tuple(info["audio_languages"])}
                known = VideoInfo(path=_path(request), **{**info, **lists})
            while len(self._readers) >= MOST_OPEN:
                self._readers.popitem(last=False)[1].close()
            self._readers[number] = self._transport.open(
                _path(request), request["max_side"], request["backend"], clock, known
            )
        self._readers.move_to_end(number)
        return self._readers[number]


def _path(request: Header) -> Path:
    return Path(os.fsdecode(bytes.fromhex(request["path"])))


def _told(info: VideoInfo) -> Header:
    told = {name: value for name, value in asdict(info).items() if name != "path"}
    return {"kind": "info", "info": {**told, "clock": clock_rows(info.clock)}}


def _frames(frames: Iterator[TimedFrame]) -> Answer:
    last: object = None
    for frame in frames:
        same = frame.image is last
        last = frame.image
        times = {"time_s": frame.time_s, "pts_s": frame.pts_s, "until_s": frame.until_s}
        header = {"kind": "frame", **times, "same": same}
        yield header, None if same else np.ascontiguousarray(frame.image).data.cast("B")


def confine(memory_mb: int) -> None:
    """Take from this process what a codec does not need: memory above a limit, writing, many files, core dumps."""
    import resource

    def lower(what: int, most: int) -> None:
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS knows some of these and refuses them
            resource.setrlimit(what, (most, most))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_NOFILE, _FILES)
    lower(resource.RLIMIT_AS, memory_mb << 20)


def end_with(lifeline: int) -> None:
    """End at once when the other end of a pipe closes, which nothing is ever written to."""
    import fcntl

    # By a signal that needs no Python: a codec may hold the interpreter. Not by PR_SET_PDEATHSIG, which comes when the
    # thread ends that started this process, not when its process does.
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    waiting = select.poll()
    waiting.register(lifeline, select.POLLIN)
    if waiting.poll(0):
        raise SystemExit  # it had closed before


def main(argv: list[str]) -> int:
    """Serve stdin and stdout; the arguments are the memory in MiB and the lifeline's number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing that a library prints may get between the answers.
    answers = Connection(os.dup(1), readable=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    end_with(int(argv[1]))
    confine(int(argv[0]))
    try:
        Server(Connection(0, writable=False), answers).run()
    except BrokenPipeError:
        return 1  # whoever asked is gone
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
