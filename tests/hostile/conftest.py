"""Every hostile text, put in where texts come in: notes, file names, replies of models, questions and options.

The texts themselves stand in `texts.py`; test modules are not packages, so that it is loaded here and handed on.
"""

from __future__ import annotations

import importlib.util
import json
import re
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lvqa import agents
from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.fake import COLOURS, FakeChat, FakeEmbedder
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.store import Store, note_id
from lvqa.types import Answer, Note, Question, Span, Video

# What stands where a hostile text is put, when things are as they should be.
PLAIN = "a grey wall with nothing on it"
PLAIN_PATH = "harbour.mp4"
NOTE_KINDS = ("caption", "imported", "speech", "screen", "summary")
WAYS_IN = (*NOTE_KINDS, "path", "seen")
KITCHEN = (
    "a woman opens the fridge and lifts out a milk carton",
    "she pours milk into a glass beside a green towel",
    "a man in a blue shirt paints a fence",
    "a yellow cat sleeps on the sofa",
)


def _load() -> ModuleType:
    name = "lvqa_tests_hostile_texts"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("texts.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "hostile" in metafunc.fixturenames:
        texts = _load().TEXTS
        metafunc.parametrize("hostile", texts.values(), ids=texts.keys())
    if "way" in metafunc.fixturenames:
        metafunc.parametrize("way", WAYS_IN)


@pytest.fixture(scope="session")
def texts() -> ModuleType:
    return _load()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Write a video of 16 s, red, green, blue and yellow, whose content is another for every file."""
    frames = [np.full((48, 64, 3), COLOURS[c], np.uint8) for c in ("red", "green", "blue", "yellow") for _ in range(8)]
    made = write_video(tmp_path_factory.mktemp("film") / "film.mp4", frames, fps=2).read_bytes()
    written = 0

    def write(path: Path) -> Path:
        nonlocal written
        written += 1
        path.write_bytes(made + struct.pack(">I4sQ", 16, b"free", written))
        return path

    return write


class Place:
    """A store with notes about a kitchen, its video beside it, and one note more that says what a test wants."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.embedder = FakeEmbedder(256)
        self._write([(Video("v-kitchen", "kitchen.mp4", "k", 16.0), [])])
        self._write([(Video("v-kitchen", "kitchen.mp4", "k", 16.0), [
            _note("v-kitchen", 4 * n, 4 * n + 4, text) for n, text in enumerate(KITCHEN)
        ])])  # fmt: skip

    def _write(self, videos: Sequence[tuple[Video, list[Note]]]) -> None:
        with self.store.atomic():
            for video, notes in videos:
                self.store.videos.put(video)
                self.store.notes.put(notes)
                vectors = self.embedder.encode_document([note.text for note in notes])
                self.store.vectors.put(self.embedder.name, [note.id for note in notes], vectors)

    def ask(
        self,
        way: str,
        text: str,
        question: str,
        options: Sequence[str] | None = None,
        *,
        also: str = "",
        chat: Any = None,
        vision: Any = None,
        planner: Any = None,
        **settings: Any,
    ) -> Answer:
        """Ask with one video more, into which the text came by that way, with the words of `also` behind it."""
        said = f"{text} {also}".strip()
        if way == "path":
            video, note = Video("v-more", text, "m", 12.0), _note("v-more", 2, 5, f"{PLAIN} {also}".strip())
        elif way == "seen":
            assert vision is not None, "what is seen a vision model says"
            video, note = Video("v-more", PLAIN_PATH, "m", 12.0), _note("v-more", 2, 5, f"{PLAIN} {also}".strip())
        else:
            video, note = Video("v-more", PLAIN_PATH, "m", 12.0), _note("v-more", 2, 5, said, way)
        self._write([(video, [note])])
        try:
            return agents.ask(
                Question.of(question, options),
                store=self.store,
                models=Models.of(vision=vision, chat=chat, embedder=self.embedder, planner=planner),
                settings=Settings(**settings),
                folder=self.folder,
            )
        finally:
            self.store.videos.remove("v-more")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, film: Callable[[Path], Path]) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    film(folder / "kitchen.mp4")
    with Store.open(folder / ".lvqa", write=True) as store:
        yield Place(folder, store)


# What only that prompt says; `repair` first, since it quotes another.
MARKS = {
    "repair": "What is wrong with it",
    "plan": "Plan how to answer this question",
    "summarise": "Summarise, in at most",
    "answer": "Answer the question from the summary",
    "direct": "Go through the notes in their order",
    "options": "Judge how well the notes support each of the possible answers",
    "rows": "Find the happenings of these events in the notes",
    "support": "Check whether notes about videos support these statements",
}


@pytest.fixture
def script() -> Callable[..., FakeChat]:
    """A chat model that answers each prompt by its kind: with a text, a value as JSON, or a function of the prompt.

    What is not given is as a model that does its work would reply.
    """

    def make(**replies: Any) -> FakeChat:
        given = {
            "plan": {"kind": "attribute", "phrases": ["a woman lifts out a milk carton"]},
            "summarise": "She lifts out a milk carton.",
            "support": {"verdicts": [{"claim": n, "support": 0.9} for n in range(1, 9)]},
            "answer": proper,
            "repair": proper,
            "options": scores,
            "rows": {"rows": []},
            **replies,
        }
        given.setdefault("direct", given["answer"])

        asked = ""

        def reply(messages: list[Any]) -> str:
            nonlocal asked
            text = str(messages[-1].text)
            kind = kind_of(text)
            value = given[kind]
            if kind == "repair":  # which shows no notes: a script that reads them looks at what was asked before
                text = f"{text}\n\n{asked}"
            else:
                asked = text
            value = value(text) if callable(value) else value
            return value if isinstance(value, str) else json.dumps(value)

        return FakeChat(reply)

    return make


def kind_of(prompt: str) -> str:
    return next(name for name, mark in MARKS.items() if mark in prompt)


def proper(prompt: str) -> dict[str, Any]:
    """The right answer, citing the note that says so, whatever its number."""
    line = next(line for line in prompt.splitlines() if line.startswith("[") and KITCHEN[0] in line)
    said = {"text": "A milk carton.", "evidence": [int(line[1 : line.index("]")])]}
    choice = "A" if "A. " in prompt else None
    return {"sentences": [said], "choice": choice, "confidence": 0.9, "missing": []}


def scores(prompt: str) -> dict[str, Any]:
    """The right score of every option that a prompt lists."""
    listed = re.findall(r"^([A-Z])\. (.*)$", prompt, re.MULTILINE)
    return {"scores": {mark: float("milk carton" in text) for mark, text in listed}}


@pytest.fixture(scope="session")
def kinds() -> Callable[[FakeChat], list[str]]:
    """The kinds of the prompts that a chat model was sent, in order."""
    return lambda chat: [kind_of(str(messages[-1].text)) for messages in chat.calls]


@pytest.fixture(scope="session")
def plain() -> str:
    return PLAIN


@pytest.fixture(scope="session")
def note() -> Callable[..., Note]:
    return _note


def _note(video_id: str, start_s: float, end_s: float, text: str, source: Any = "caption") -> Note:
    span = Span(start_s, end_s)
    return Note(note_id(video_id, source, span, "", "", text), video_id, None, span, text, source)
