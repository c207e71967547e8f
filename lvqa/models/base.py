"""What the rest of lvqa asks of a model: a small Protocol for each role.

Frames are uint8 arrays of shape (h, w, 3), RGB. Reasoning has no Protocol of its own: it is LangChain's
`BaseChatModel`. This module knows no backend; `lvqa.models.registry` finds one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from lvqa.types import Span

Frame = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]

# What a model says that was taught to say so of pictures it knows nothing about.
UNKNOWN = "unknown"


class Reply(str):
    """A model's text that also carries what it took: tokens in and out, zero where the backend does not count them.

    `cut` says that it ended because it was as long as it may be, where the backend says so.
    """

    __slots__ = ("cut", "tokens_in", "tokens_out")
    tokens_in: int
    tokens_out: int
    cut: bool

    def __new__(cls, text: str, tokens_in: int = 0, tokens_out: int = 0, *, cut: bool = False) -> Reply:
        """Make a reply from its text, its counts and whether it was cut."""
        reply = super().__new__(cls, text)
        reply.tokens_in = tokens_in
        reply.tokens_out = tokens_out
        reply.cut = cut
        return reply


# What servers and providers call the end of a reply that had no room left.
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})


def is_cut(metadata: Mapping[str, Any]) -> bool:
    """Whether a reply ended because it was as long as it may be, by what came with it."""
    return any(
        str(metadata.get(name, "")).casefold() in _CUT for name in ("finish_reason", "stop_reason", "done_reason")
    )


@dataclass(frozen=True, slots=True, eq=False)
class VisionRequest:
    """Frames in time order, a prompt about them, and the most tokens the reply may have."""

    frames: Sequence[Frame]
    prompt: str
    max_tokens: int = 128

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("a vision request needs at least one frame")
        for frame in self.frames:
            if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
                raise ValueError(f"a frame is uint8 (h, w, 3), got {frame.dtype} {frame.shape}")
        if not self.prompt.strip():
            raise ValueError("a vision request needs a prompt")

    def thinned(self) -> VisionRequest:
        """The same request with every second of its frames, for a model that cannot read them all."""
        return replace(self, frames=self.frames[::2])


@dataclass(frozen=True, slots=True)
class InFlight:
    """How a model is best asked: in so many calls at once, from as many threads, of so many requests each.

    None: as many as there are. May become more or less while a server is got to know.
    """

    calls: int = 1
    requests: int | None = None


@runtime_checkable
class VisionModel(Protocol):
    """Looks at frames and answers in words. `name` goes into every note it writes and into the keys of the index.

    One that may be called from several threads says how with an `in_flight` (`InFlight`); the others are called from
    one. One that sends requests elsewhere makes them ready with `encoded(request)`, which lets go of the frames.
    """

    @property
    def name(self) -> str:
        """The spec it was loaded from, such as `hf:Qwen/Qwen2.5-VL-7B-Instruct`."""
        ...

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """Answer each request, in order; each item may be a `Reply`. Raises ModelError."""
        ...

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """P(yes) / (P(yes) + P(no)) in [0, 1] of each reply's first token, in order. Raises ModelError."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Texts into unit vectors."""

    @property
    def name(self) -> str:
        """The spec it was loaded from."""
        ...

    @property
    def dim(self) -> int:
        """The length of its vectors."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Queries into float32 (n, dim), unit norm; n may be 0."""
        ...

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Documents into float32 (n, dim), unit norm; n may be 0."""
        ...


@runtime_checkable
class ImageEmbedder(Protocol):
    """Frames and queries into one space of unit vectors."""

    @property
    def name(self) -> str:
        """The spec it was loaded from."""
        ...

    @property
    def dim(self) -> int:
        """The length of its vectors."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Queries into float32 (n, dim), unit norm."""
        ...

    def encode_frames(self, frames: Sequence[Frame]) -> Vectors:
        """Frames into float32 (n, dim), unit norm."""
        ...


@runtime_checkable
class Thinker(Protocol):
    """A chat model in memory that can be told whether to think before it replies, and how long a reply may be."""

    think: bool
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Box:
    """A detection: its label, score in [0, 1], and corners (x0, y0, x1, y1) in pixels of the image it was found in."""

    label: str
    score: float
    xyxy: tuple[float, float, float, float]


@runtime_checkable
class Detector(Protocol):
    """Finds named things in images without having been trained on them."""

    @property
    def name(self) -> str:
        """The spec it was loaded from."""
        ...

    def detect(self, images: Sequence[Frame], labels: Sequence[str]) -> list[list[Box]]:
        """Boxes for each image, best first; labels are free text. Raises ModelError."""
        ...


@runtime_checkable
class TextReader(Protocol):
    """Reads text that stands in a picture (OCR)."""

    @property
    def name(self) -> str:
        """The spec it was loaded from."""
        ...

    def read(self, frames: Sequence[Frame]) -> list[str]:
        """The text of each frame in reading order, a line a text line; empty where there is none. Raises ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said, and when."""

    span: Span
    text: str


@runtime_checkable
class Transcriber(Protocol):
    """Turns the sound of a video into utterances (ASR).

    One that knows some languages only has their codes in an attribute `languages`; without it, it finds out what is
    spoken.
    """

    @property
    def name(self) -> str:
        """The spec it was loaded from."""
        ...

    def transcribe(self, audio: npt.NDArray[np.float32], offset_s: float = 0.0) -> list[Utterance]:
        """Utterances in time order of mono float32 audio (n,) at 16 kHz in [-1, 1]; times have `offset_s` added.

        Raises ModelError.
        """
        ...
