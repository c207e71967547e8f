"""A child that decodes like any other, and does what a file is called: `crash.mp4`, `hang-on-sample.mp4`, ..."""

import ctypes
import json
import os
import pickle
import signal
import struct
import sys
import time
from pathlib import Path

from lvqa.media.isolation import child

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
    """Sends a header that says that `size` bytes follow, and 1000 of them; or `raw`, as it is."""

    def do(server, request):
        if raw is not None:
            server._answers.send_bytes(raw)
        else:
            answer = {"id": request["id"], **header} | ({"bytes": size} if size else {})
            server._answers.send_bytes(json.dumps(answer).encode())
            if isinstance(size, int) and size > 0:
                os.write(server._answers.fileno(), b"x" * min(size, 1000))
        if then:
            server._send({"kind": "done", "clean": True})
        else:
            time.sleep(1000)

    return do


def cut_short(raw):
    """Sends what is no whole message, and nothing more."""

    def do(server, request):
        os.write(server._answers.fileno(), raw)
        time.sleep(1000)

    return do


def trickle(server, request):
    """Sends a message whose end does not come within a life, though something always does."""
    os.write(server._answers.fileno(), struct.pack("!i", 1 << 20))
    while True:
        os.write(server._answers.fileno(), b" ")
        time.sleep(0.02)


def half_frame(server, request):
    """Sends the header of a frame, and a part of it."""
    server._answers.send_bytes(
        json.dumps({"id": request["id"], "kind": "frame", "time_s": 0.0, "pts_s": 0.0, "bytes": 256 * 128 * 3}).encode()
    )
    os.write(server._answers.fileno(), b"x" * 1000)
    time.sleep(1000)


class Opens:
    """What whoever unpickles it does: it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def pickled(server, request):
    server._answers.send_bytes(pickle.dumps(Opens(f"{os.fsdecode(child._path(request))}.unpickled")))
    time.sleep(1000)


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
    "stored_width": 64,
    "stored_height": 48,
    "hdr": "",
    "picture_subtitles": 0,
    "audio_languages": [],
    "joined_at_byte": 0,
    "video_tracks": 1,
    "video_track": 1,
    "audio_tracks": 0,
    "audio_track": 0,
    "clock": [[0.0, 0.0, 0, None]],
    "packets": 50,
    "sound_packets": 0,
    "channels": 0,
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
    "lie_header": cut_short(struct.pack("!i", 1 << 30)),
    "lie_huge": cut_short(struct.pack("!iQ", -1, 1 << 60)),
    "lie_negative": cut_short(struct.pack("!i", -5)),
    "lie_pickle": pickled,
    "lie_bytes": say({"kind": "info", "info": INFO}, size=-1),
    "lie_text_bytes": say({"kind": "info", "info": INFO}, size="many"),
    "cut_short": cut_short(struct.pack("!i", 1000) + b"{"),
    "trickle": trickle,
    "half_frame": half_frame,
    "lie_json": say(raw=b"{{{{"),
    "lie_deep": say(raw=b"[" * 100_000),
    "lie_list": say(raw=b"[]"),
    "lie_id": say({"kind": "info", "id": 99, "info": INFO}),
    "lie_kind": say({"kind": ["info"], "info": INFO}),
    "lie_none": say({"kind": "info"}),
    "lie_width": say({"kind": "info", "info": {**INFO, "width": 1 << 40}}),
    "lie_size": say({"kind": "info", "info": {**INFO, "height": "many"}}),
    "lie_languages": say({"kind": "info", "info": {**INFO, "audio_languages": ["en", 5]}}),
    "lie_length": say({"kind": "info", "info": {**INFO, "duration_s": float("nan")}}),
    "lie_more": lambda server, request: [server._send({"kind": "info", "info": INFO}) for _ in range(2)],
    "lie_frame": say({"kind": "frame", "time_s": 0.0, "pts_s": 0.0}, size=1 << 31),
    "lie_other": say({"kind": "frame", "time_s": 4.0, "pts_s": 0.0}, size=10),
    "lie_pts": say({"kind": "frame", "time_s": 0.0, "pts_s": True}, size=10),
    "lie_few": lambda server, request: server._send({"kind": "done", "clean": True}),
    "lie_picture": say({"kind": "picture", "width": 9000, "height": 9000, "span": [0, 1], "language": "", "of": ""}),
    "lie_picture_times": say({"kind": "picture", "width": 2, "height": 2, "span": [1, 0], "language": "", "of": ""}),
    "lie_picture_text": say({"kind": "picture", "width": 2, "height": 2, "span": [0], "language": 7, "of": ""}),
    "lie_cues": say({"kind": "cues", "cues": 5}),
    "lie_cue": say({"kind": "cues", "cues": [[0.0, 1.0, "a\x1b[31m", "", "dialogue"]]}),
    "lie_told": lambda server, request: [server._send({"kind": "told", "text": "bad"}) for _ in range(2000)],
    "lie_audio": say({"kind": "audio", "offset_s": 0.0, "count": 1 << 50}),
    "lie_text": lambda server, request: server._send({"kind": "media", "text": "a\nb" * 9999, "clean": True}),
    "lie_error": lambda server, request: server._send({"kind": "media", "text": 5, "clean": True}),
}

if __name__ == "__main__":
    child.Server = BadServer
    sys.exit(child.main(sys.argv[1:]))
