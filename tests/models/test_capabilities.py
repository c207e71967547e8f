"""What a small model declares about itself is what it is asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, UsageError
from lvqa.models.base import UNKNOWN, VisionRequest
from lvqa.models.capabilities import ANYTHING, Capabilities, capabilities_of, declared_by, read
from lvqa.models.fake import FakeVision
from lvqa.models.registry import load_image_embedder, load_vision

FRAMES = [np.full((8, 8, 3), n, np.uint8) for n in range(6)]


def declare(folder: Path, **fields: Any) -> Path:
    (folder / "lvqa.json").write_text(json.dumps(fields))
    return folder


def test_a_folder_without_a_declaration_can_be_asked_anything(tmp_path: Path) -> None:
    assert read(tmp_path) is ANYTHING
    assert declared_by(f"hf:{tmp_path}") is ANYTHING
    for spec in ("none", "vision", "hf:nobody/nothing", "openai:m@http://localhost:1/v1", "minilm"):
        assert declared_by(spec) is ANYTHING
    assert ANYTHING.can_be_asked("whatever")
    assert capabilities_of(object()) is ANYTHING


def test_the_declaration_and_the_prompts_are_read(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "caption.md").write_text("describe it.\n")
    found = declared_by(f"hf:{declare(tmp_path, name='small', answers=['caption'], yes_bar=0.9, frames=2, batch=4)}")
    assert found == Capabilities(
        "small", answers=frozenset({"caption"}), yes_bar=0.9, frames=2, batch=4, prompts={"caption": "describe it.\n"}
    )
    assert found.can_be_asked("caption")
    assert not found.can_be_asked("inspect")


@pytest.mark.parametrize(
    "fields",
    [
        {"frames": 0},
        {"batch": -1},
        {"yes_bar": 1},
        {"unknown_words": "shout"},
        {"dtype": "int4"},
        {"colour": "red"},
        {"frames": "many"},
        {"answers": 5},
    ],
)
def test_a_declaration_that_makes_no_sense_is_one_line(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"lvqa\.json") as caught:
        read(declare(tmp_path, **fields))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["[1]", "{", "\x00"])
def test_a_declaration_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lvqa.json").write_text(text)
    with pytest.raises(ModelError, match="does not declare"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("most", "shown"), [(None, [0, 1, 2, 3, 4, 5]), (6, [0, 1, 2, 3, 4, 5]), (1, [3]), (2, [2, 3])]
)
def test_of_more_frames_than_it_takes_those_in_the_middle_are_shown(most: int | None, shown: list[int]) -> None:
    request = Capabilities(frames=most).fitted(VisionRequest(FRAMES, "x"))
    assert [int(frame[0, 0, 0]) for frame in request.frames] == shown


def test_words_it_does_not_know_are_not_guessed_about() -> None:
    asked: list[str] = []

    def call(requests: Sequence[VisionRequest]) -> list[str]:
        asked.extend(request.prompt for request in requests)
        return [request.prompt.upper() for request in requests]

    requests = [VisionRequest(FRAMES[:1], text) for text in ("star", "zebra", "moon")]
    strict = Capabilities(unknown_words="refuse")
    assert strict.ask(requests, "zebra".__ne__, call, UNKNOWN) == ["STAR", UNKNOWN, "MOON"]
    assert asked == ["star", "moon"]
    assert strict.ask(requests, "zebra".__ne__, lambda some: [0.7] * len(some), 0.0) == [0.7, 0.0, 0.7]
    assert strict.ask(requests, lambda _: False, call, UNKNOWN) == [UNKNOWN] * 3
    assert ANYTHING.ask(requests, "zebra".__ne__, call, UNKNOWN) == ["STAR", "ZEBRA", "MOON"]


def test_a_fake_declares_what_it_is_given() -> None:
    assert capabilities_of(FakeVision()) is ANYTHING
    small = Capabilities(frames=1)
    assert capabilities_of(FakeVision(capabilities=small)) is small


@pytest.mark.real_models
def test_a_loaded_model_keeps_to_its_folders_declaration(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llava"), tmp_path / "small")
    declare(folder, name="small one", frames=1, reasons=False, batch=3)
    model = load_vision(f"hf:{folder}", device="cpu")
    assert model.name == "small one"
    assert capabilities_of(model).frames == 1
    frames = [np.full((32, 32, 3), n * 60, np.uint8) for n in range(3)]
    (one,) = model.generate([VisionRequest(frames[1:2], "describe", 2)])
    (three,) = model.generate([VisionRequest(frames, "describe", 2)])
    assert three == one
    assert three.tokens_in == one.tokens_in  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="does not reason"):
        model.as_chat()  # type: ignore[attr-defined]


@pytest.mark.real_models
def test_an_image_embedder_is_known_by_the_name_it_declares(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("clip"), tmp_path / "dual")
    assert load_image_embedder(f"hf:{declare(folder, name='dual one')}", device="cpu").name == "dual one"
