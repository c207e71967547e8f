"""A child that decodes like any other, and does what a file is called: `crash.mp4`, `hang-on-sample.mp4`, ..."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from lvqa.media import child
from lvqa.media.wire import PREFIX, pack, write_all

GOOD = child.Server


class BadServer(child.Server):
    def _answer(self, request):
        self._id = request["id"]
        name = child._path(request).stem if "path" in request else ""
        deed, _, operation = name.partition("-on-")
        if operation and operation != request["op"]:
            deed = ""
        for start, do in DEEDS.items():
            if deed == start:
                do(self, request)
                return
        GOOD._answer(self, request)


def crash(server, request):
    os.kill(os.getpid(), signal.SIGSEGV)


def crash_later(server, request):
    for number, (header, data) in enumerate(server._sample(request)):
        if number == 3:
            os.kill(os.getpid(), signal.SIGABRT)
        server._send(header, data)


def leave(server, request):
    os._exit(7)


def hang(server, request):
    time.sleep(1000)


def hang_holding(server, request):
    Path(child._path(request)).with_name(f"{child._path(request).name}.hangs").touch()
    ctypes.PyDLL(None).sleep(1000)  # without letting go of the interpreter


def beat_forever(server, request):
    while True:
        server._send({"kind": "beat"})
        time.sleep(0.02)


def eat(server, request):
    def answer(request):
        kept = []
        while True:
            kept.append(bytearray(16 << 20))
            yield {"kind": "beat"}, None

    server._operations[request["op"]] = answer
    GOOD._answer(server, request)


def stumble(server, request):
    def answer(request):
        raise OverflowError("a number\nthat is too large \x1b[31m")

    server._operations[request["op"]] = answer
    GOOD._answer(server, request)


def say(header=None, raw=None, size=0, then=True):
    def do(server, request):
        if raw is not None:
            write_all(server._sink, raw)
        else:
            write_all(server._sink, pack({"id": request["id"], **header}, size) + b"x" * min(size, 1000))
        if then:
            server._send({"kind": "done", "clean": True})
        else:
            time.sleep(1000)

    return do


INFO = {
    "duration_s": 5.0,
    "width": 64,
    "height": 48,
    "fps": 10.0,
    "codec": "h264",
    "has_audio": False,
    "rotation": 0,
    "start_s": 0.0,
    "subtitle_tracks": 0,
    "breaks_off": False,
}
DEEDS = {
    "crash": crash,
    "crash_later": crash_later,
    "leave": leave,
    "hang": hang,
    "hang_holding": hang_holding,
    "beat_forever": beat_forever,
    "eat": eat,
    "stumble": stumble,
    "lie_header": say(raw=PREFIX.pack(1 << 31, 0), then=False),
    "lie_json": say(raw=PREFIX.pack(4, 0) + b"{{{{"),
    "lie_deep": say(raw=PREFIX.pack(100_000, 0) + b"[" * 100_000),
    "lie_list": say(raw=PREFIX.pack(2, 0) + b"[]"),
    "lie_id": say({"kind": "info", "id": 99, "info": INFO}),
    "lie_kind": say({"kind": ["info"], "info": INFO}),
    "lie_none": say({"kind": "info"}),
    "lie_width": say({"kind": "info", "info": {**INFO, "width": 1 << 40}}),
    "lie_size": say({"kind": "info", "info": {**INFO, "height": "many"}}),
    "lie_length": say({"kind": "info", "info": {**INFO, "duration_s": float("nan")}}),
    "lie_more": lambda server, request: [server._send({"kind": "info", "info": INFO}) for _ in range(2)],
    "lie_frame": say({"kind": "frame", "time_s": 0.0, "pts_s": 0.0}, size=1 << 31),
    "lie_other": say({"kind": "frame", "time_s": 4.0, "pts_s": 0.0}, size=10),
    "lie_pts": say({"kind": "frame", "time_s": 0.0, "pts_s": True}, size=10),
    "lie_few": lambda server, request: server._send({"kind": "done", "clean": True}),
    "lie_cues": say({"kind": "cues", "cues": 5}),
    "lie_cue": say({"kind": "cues", "cues": [[0.0, 1.0, "a\x1b[31m", ""]]}),
    "lie_audio": say({"kind": "audio", "offset_s": 0.0, "count": 1 << 50}),
    "lie_text": lambda server, request: server._send({"kind": "media", "text": "a\nb" * 9999, "clean": True}),
    "lie_error": lambda server, request: server._send({"kind": "media", "text": 5, "clean": True}),
}

if __name__ == "__main__":
    child.Server = BadServer
    sys.exit(child.main(sys.argv[1:]))
