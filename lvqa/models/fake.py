"""A public fake for each role: deterministic, quick, records its calls. Test your own code with them too.

They need numpy alone (`FakeChat` also langchain-core) and know nothing of any real model. Colours are all that the
picture fakes see: a frame is as good as its mean colour, a query as good as the colour names in it.
"""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lvqa.models.base import Box, Frame, Reply, Utterance, Vectors, VisionRequest
from lvqa.models.capabilities import ANYTHING, Capabilities
from lvqa.models.fake_script import Script

if TYPE_CHECKING:
    from lvqa.models.fake_chat import FakeChat as FakeChat

COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (255, 0, 0),
    "green": (0, 160, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "orange": (255, 140, 0),
}
_WORD = re.compile(r"\w+")


def __getattr__(name: str) -> Any:
    # FakeChat alone needs langchain-core; the others stay importable without its weight.
    if name == "FakeChat":
        from lvqa.models.fake_chat import FakeChat

        return FakeChat
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def colour_name(frame: Frame) -> str:
    """The name in COLOURS nearest to a frame's mean colour."""
    mean = frame.reshape(-1, 3).mean(axis=0)
    return min(COLOURS, key=lambda name: float(np.abs(np.subtract(COLOURS[name], mean)).sum()))


def _describe(request: VisionRequest) -> str:
    return "a picture that is mostly " + ", then ".join(dict.fromkeys(colour_name(f) for f in request.frames))


class FakeVision:
    """A VisionModel that says what its script says; by default the colours it sees.

    `capabilities` are what it declares that it can be asked, as a small model does; it replies to anything anyway.
    A call takes `latency_s + per_request_s * n` seconds, and calls from several threads queue up as on one device.
    """

    def __init__(
        self,
        replies: str | Sequence[str] | Callable[[VisionRequest], str] = _describe,
        yes: float | Callable[[VisionRequest], float] = 0.5,
        *,
        latency_s: float = 0.0,
        per_request_s: float = 0.0,
        name: str = "fake:vision",
        capabilities: Capabilities = ANYTHING,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.calls: list[list[VisionRequest]] = []
        self.yes_calls: list[list[VisionRequest]] = []
        self._script = Script(replies)
        self._yes = yes
        self._latency_s = latency_s
        self._per_request_s = per_request_s
        self._device = threading.Lock()

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """Replies by script, cut to `max_tokens` words; a word counts as a token, a frame as 64."""
        with self._device:
            self.calls.append(list(requests))
            self._wait(len(requests))
            replies: list[str] = []
            for request in requests:
                text = self._script.next(request)
                words = text.split()
                if len(words) > request.max_tokens:
                    text, words = " ".join(words[: request.max_tokens]), words[: request.max_tokens]
                tokens_in = len(request.prompt.split()) + 64 * len(request.frames)
                replies.append(Reply(text, tokens_in, len(words)))
            return replies

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """The given probability for each request."""
        with self._device:
            self.yes_calls.append(list(requests))
            self._wait(len(requests))
            return [float(self._yes(r) if callable(self._yes) else self._yes) for r in requests]

    def _wait(self, n: int) -> None:
        seconds = self._latency_s + self._per_request_s * n if n else 0.0
        if seconds > 0:
            time.sleep(seconds)


class FakeEmbedder:
    """A hashed bag of words: texts are as similar as the words they share. Word order and meaning count for nothing."""

    def __init__(self, dim: int = 64, *, name: str = "fake:embedder") -> None:
        if dim < 2:
            raise ValueError(f"dim must be at least 2, got {dim}")
        self.name = name
        self.dim = dim
        self.calls: list[list[str]] = []

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        return self.encode_document(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        self.calls.append(list(texts))
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            words = _WORD.findall(text.lower())
            for word in words:
                row[1 + zlib.crc32(word.encode()) % (self.dim - 1)] += 1
            if not words:
                row[0] = 1  # the place of texts without a word
        return _unit(vectors)


class FakeImageEmbedder:
    """Frames by their mean colour, queries by the colour names in them (without one: grey)."""

    def __init__(self, dim: int = 8, *, name: str = "fake:image") -> None:
        if dim < 4:
            raise ValueError(f"dim must be at least 4, got {dim}")
        self.name = name
        self.dim = dim
        self.calls: list[int] = []

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        colours = np.full((len(texts), 3), 127.5)
        for row, text in zip(colours, texts, strict=True):
            named = [COLOURS[word] for word in _WORD.findall(text.lower()) if word in COLOURS]
            if named:
                row[:] = np.mean(named, axis=0)
        return self._vectors(colours)

    def encode_frames(self, frames: Sequence[Frame]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        self.calls.append(len(frames))
        return self._vectors(np.array([f.reshape(-1, 3).mean(axis=0) for f in frames]).reshape(-1, 3))

    def _vectors(self, colours: npt.NDArray[np.float64]) -> Vectors:
        vectors = np.zeros((len(colours), self.dim), np.float32)
        vectors[:, :3] = colours / 127.5 - 1
        vectors[:, 3] = 0.25  # keeps grey, the origin of the colour axes, away from the zero vector
        return _unit(vectors)


class FakeDetector:
    """Finds labels that are colour names: the box around all pixels near that colour, scored by how well it is filled.

    `find(image, label) -> list[Box]` replaces the rule.
    """

    def __init__(
        self, find: Callable[[Frame, str], list[Box]] | None = None, *, tolerance: int = 60, name: str = "fake:detector"
    ) -> None:
        self.name = name
        self.calls: list[tuple[int, tuple[str, ...]]] = []
        self._find = find or self._by_colour
        self._tolerance = tolerance

    def detect(self, images: Sequence[Frame], labels: Sequence[str]) -> list[list[Box]]:
        """Boxes for each image, best first."""
        self.calls.append((len(images), tuple(labels)))
        found = ([box for label in labels for box in self._find(image, label)] for image in images)
        return [sorted(boxes, key=lambda box: (-box.score, box.label)) for boxes in found]

    def _by_colour(self, image: Frame, label: str) -> list[Box]:
        boxes = []
        for word in _WORD.findall(label.lower()):
            if word not in COLOURS:
                continue
            near = (np.abs(image.astype(np.int16) - COLOURS[word]) <= self._tolerance).all(axis=2)
            if near.any():
                ys, xs = np.nonzero(near)
                corners = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
                area = (corners[2] - corners[0]) * (corners[3] - corners[1])
                boxes.append(Box(label, len(xs) / area, corners))
        return boxes


class FakeReader:
    """A TextReader that reads what a function of the frame says, or one text in every frame."""

    def __init__(self, text: str | Callable[[Frame], str] = "", *, name: str = "fake:ocr") -> None:
        self.name = name
        self.calls: list[int] = []
        self._text = text

    def read(self, frames: Sequence[Frame]) -> list[str]:
        """The text of each frame."""
        self.calls.append(len(frames))
        return [self._text(frame) if callable(self._text) else self._text for frame in frames]


class FakeTranscriber:
    """A Transcriber that hears the given utterances: those that begin inside the stretch of sound it is given."""

    def __init__(self, utterances: Sequence[Utterance] = (), *, name: str = "fake:asr") -> None:
        self.name = name
        self.calls: list[tuple[float, int]] = []
        self._utterances = sorted(utterances, key=lambda u: u.span)

    def transcribe(self, audio: npt.NDArray[np.float32], offset_s: float = 0.0) -> list[Utterance]:
        """The utterances that begin in `[offset_s, offset_s + len(audio) / 16000)`."""
        self.calls.append((offset_s, len(audio)))
        end_s = offset_s + len(audio) / 16000
        return [u for u in self._utterances if offset_s <= u.span.start_s < end_s]


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float32) if len(vectors) else vectors
