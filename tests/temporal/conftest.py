"""Two small videos whose frames tell their own time, and a script of what is seen when: the truth for a fake VLM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa import agents
from lvqa.eval.lab.footage_writer import write_video
from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.models.capabilities import Capabilities
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.store import Store, note_id
from lvqa.types import Answer, Budget, Note, Question, Span, Video

# A small model that was taught short questions alone.
SHORT = Capabilities(
    answers=frozenset({"caption", "timeline_ask", "timeline_present"}),
    prompts={
        "caption": "describe the frame.",
        "timeline_ask": "{{question}}",
        "timeline_present": "is there {{thing}}?",
    },
)
FPS, SECONDS, BITS = 4, 60, 9
VIDEOS = ("a.mp4", "b.mp4")
# What is to be seen: video, thing, from, to, where.
SCRIPT: list[tuple[str, str, float, float, str]] = [
    ("a.mp4", "red star", 20.0, 21.5, "top left"),
    ("a.mp4", "blue ring", 40.25, 43.0, "middle"),
    ("a.mp4", "black moon", 8.0, 9.0, "right"),
    ("a.mp4", "black moon", 30.0, 30.75, "left"),
    ("a.mp4", "black moon", 50.5, 54.0, "top"),
    ("a.mp4", "green square", 0.0, 25.0, "bottom"),
    ("a.mp4", "green square", 26.5, 60.0, "bottom"),
    ("a.mp4", "white circle", 0.0, 33.0, "bottom right"),
    ("a.mp4", "purple circle", 33.0, 35.0, "bottom right"),
    ("a.mp4", "white circle", 35.0, 60.0, "bottom right"),
    ("a.mp4", "yellow cross", 0.0, 45.0, "top right"),
    ("a.mp4", "yellow cross", 45.0, 60.0, "top"),
    ("a.mp4", "sign", 0.0, 60.0, "bottom left"),
    ("b.mp4", "green square", 0.0, 60.0, "bottom"),
    ("b.mp4", "orange diamond", 12.0, 14.0, "middle"),
    ("b.mp4", "red star", 55.0, 57.0, "left"),
]
THINGS = (*dict.fromkeys(thing for _, thing, *_ in SCRIPT), "white moon", "red ring")


def draw(video: int, number: int) -> np.ndarray:
    """A frame whose upper half is its number in binary, light for 1, and whose lower half is its video's grey."""
    frame = np.full((64, 16 * (BITS + 1), 3), 40, np.uint8)
    for bit in range(BITS):
        frame[:, 16 * bit : 16 * bit + 16] = 220 if number >> bit & 1 else 40
    frame[:, 16 * BITS :] = 220 if video else 40
    return frame


def read(frame: np.ndarray) -> tuple[str, float]:
    """The video and time that a frame tells."""
    bits = [int(frame[:, 16 * k + 4 : 16 * k + 12].mean() > 128) for k in range(BITS + 1)]
    return VIDEOS[bits[BITS]], sum(bit << k for k, bit in enumerate(bits[:BITS])) / FPS


def there(video: str, time_s: float) -> dict[str, str]:
    """Things and places at a time."""
    return {thing: place for v, thing, start, end, place in SCRIPT if v == video and start <= time_s < end}


def yes(request: Any) -> float:
    found = re.search(r"is there an? (.+?)\?| show this: an? (.+?)\?", request.prompt)
    thing = (found[1] or found[2]) if found else ""
    thing, _, place = re.sub(r" (?:at|in) the ", "|", thing).partition("|")
    now = there(*read(request.frames[0]))
    return 0.99 if thing in now and place in ("", now[thing]) else 0.03


def say(request: Any) -> str:
    prompt, frame = request.prompt, request.frames[0]
    if prompt.endswith("what does the sign say?"):
        return "k7" if frame.shape[0] == 16 and frame.shape[1] == 40 else "too small"
    now = there(*read(frame))
    if found := re.search(r"where is the (.+?)\?", prompt):
        return now.get(found[1], "nowhere")
    if found := re.search(r"what (colour|shape) is the (.+?)(?: (?:at|in) the (.+?))?\?", prompt):
        aspect, thing, place = found.groups()
        for name, at in now.items():
            colour, _, shape = name.partition(" ")
            if (shape == thing or f"{colour} object" == thing) and place in (None, at):
                return colour if aspect == "colour" else shape
        return "none"
    if "how many objects" in prompt:
        return str(len(now) - ("sign" in now))
    assert "What we need to know" in prompt or "Do the frames show" in prompt
    return "not visible"


class Scores:
    """An image embedder: one dimension a thing, and what its frames' vectors would be."""

    name, dim = "fake:scores", len(THINGS) + 1

    def encode_query(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            thing = text.partition(" ")[2]
            row[THINGS.index(thing) if thing in THINGS else -1] = 1.0
        return rows

    def encode_frames(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([self.at(*read(frame)) for frame in frames])

    def at(self, video: str, time_s: float) -> np.ndarray:
        row = 0.02 * np.random.default_rng(round(time_s * 100)).random(self.dim).astype(np.float32)
        for thing in there(video, time_s):
            row[THINGS.index(thing)] += 0.4
        row[-1] = 1.0
        return row / np.linalg.norm(row)


@pytest.fixture
def scores() -> Scores:
    return Scores()


@pytest.fixture
def vision() -> FakeVision:
    return FakeVision(say, yes, capabilities=SHORT)


@pytest.fixture(scope="session")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clocks")
    for n, name in enumerate(VIDEOS):
        write_video(folder / name, [draw(n, k) for k in range(FPS * SECONDS)], fps=FPS)
    return folder


def note(video: str, start_s: float, end_s: float, text: str, source: Any = "caption") -> Note:
    span = Span(start_s, end_s)
    return Note(note_id(video, source, span, "", "", text), video, None, span, text, source)


def captions(video: str) -> list[Note]:
    """One of each six seconds, of the frame in its middle."""
    made = []
    for start in range(0, SECONDS, 6):
        now = there(video, start + 3)
        text = ", ".join(f"a {thing} at the {place}" for thing, place in now.items())
        made.append(note(video, start, start + 6, text or "nothing"))
    return made


@pytest.fixture(scope="session")
def index(clocks: Path) -> Iterator[Store]:
    with Store.open(clocks / ".lvqa", write=True) as store, store.atomic():
        for name in VIDEOS:
            store.videos.put(Video(name, name, name, float(SECONDS), 160, 64, float(FPS)))
            store.notes.put(captions(name))
            times = np.arange(0, SECONDS, 0.5)
            store.frames.put(Scores.name, name, times, np.stack([Scores().at(name, t) for t in times]))
        store.notes.put([note("b.mp4", 12.5, 14.5, "Look, an orange diamond!", "speech")])
    with Store.open(clocks / ".lvqa") as store:
        yield store


@pytest.fixture
def ask(index: Store, clocks: Path, vision: FakeVision) -> Callable[..., Answer]:
    """Ask the two videos; `frames` is the budget of frames and calls."""

    def run(question: str, options: Sequence[str] | None = None, *, frames: int = 96, **given: Any) -> Answer:
        scores = given.pop("image_embedder", Scores())
        models = Models.of(
            vision=given.pop("vision", vision),
            chat=given.pop("chat", None),
            image_embedder=scores,
            planner=given.pop("planner", WorldPlanner()),
        )
        budget = given.pop("budget", Budget(frames=frames, vlm_calls=frames))
        settings = given.pop("settings", Settings())
        stop = given.pop("stop", None)
        asked = Question.of(question, options, budget=budget, **given)
        return agents.ask(asked, store=index, models=models, settings=settings, folder=clocks, stop=stop)

    return run
