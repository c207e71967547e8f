"""The public fakes: deterministic, recording, and as wrong as a test wants them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from langchain_core.messages import HumanMessage

from lvqa.errors import ModelError
from lvqa.models.base import VisionRequest
from lvqa.models.fake import COLOURS, FakeChat, FakeEmbedder, FakeImageEmbedder, FakeVision


def _plain(colour: str) -> np.ndarray:
    return np.full((8, 12, 3), COLOURS[colour], np.uint8)


def test_vision_says_what_it_sees_or_is_told() -> None:
    request = VisionRequest([_plain("red"), _plain("red"), _plain("blue")], "what is there?", 50)
    fake = FakeVision()
    assert fake.generate([request]) == ["a picture that is mostly red, then blue"]
    assert fake.calls == [[request]]
    assert FakeVision("hello there").generate([VisionRequest([_plain("red")], "?", 1)]) == ["hello"]
    listed = FakeVision(["one", "two"])
    assert listed.generate([request, request]) == ["one", "two"]
    with pytest.raises(ModelError, match="no reply left after 2"):
        listed.generate([request])
    assert FakeVision(yes=lambda r: len(r.frames) / 4).yes_probability([request]) == [0.75]


def test_vision_takes_its_time_one_call_after_the_other() -> None:
    request = VisionRequest([_plain("red")], "?")
    fake = FakeVision(latency_s=0.05, per_request_s=0.01)
    threads = [threading.Thread(target=fake.generate, args=([request] * 2,)) for _ in range(2)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # At least so long, and on a busy machine longer.
    assert time.perf_counter() - start >= 2 * (0.05 + 2 * 0.01)


def test_chat_keeps_what_it_was_told() -> None:
    chat = FakeChat(["first", "second"])
    assert chat.invoke("hi").text == "first"
    assert chat.invoke([HumanMessage("there")]).usage_metadata == {
        "input_tokens": 1,
        "output_tokens": 1,
        "total_tokens": 2,
    }
    assert [[m.text for m in call] for call in chat.calls] == [["hi"], ["there"]]
    assert FakeChat("a").calls == []


def test_shared_words_make_texts_near() -> None:
    fake = FakeEmbedder()
    query = fake.encode_query(["who opens the fridge"])
    near, far = (query @ fake.encode_document(["she opens the fridge", "a plane at night"]).T)[0]
    assert near > 0.7
    assert far < 0.3


def test_colours_make_frames_near() -> None:
    fake = FakeImageEmbedder()
    names = list(COLOURS)
    scores = fake.encode_query([f"a {name} wall" for name in names]) @ fake.encode_frames([_plain(n) for n in names]).T
    assert [names[i] for i in scores.argmax(axis=1)] == names


def test_fakes_need_numpy_alone() -> None:
    code = (
        "import sys; from lvqa.models.fake import FakeVision, FakeEmbedder, FakeReader;"
        "print([n for n in ('torch', 'langchain_core', 'transformers', 'PIL') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
