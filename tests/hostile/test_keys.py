"""A key that a model's error tells is nowhere: not on the terminal, in the log, in the index, or in what is raised."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa import Archive, secrets
from lvqa.archive.workspace import Workspace
from lvqa.cli import main
from lvqa.errors import LvqaError, UsageError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.fake import FakeChat, FakeEmbedder, FakeReader, FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings

KEY = "swordfish-0123456789"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_remembered", set())
    monkeypatch.setenv("ACME_API_KEY", KEY)
    monkeypatch.setenv("LVQA_DEBUG", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "videos"
    place.mkdir()
    frames = (np.full((48, 64, 3), shade, np.uint8) for shade in (10, 10, 200, 200))
    write_video(place / "a.mp4", frames, fps=1)
    return place


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((folder / ".lvqa").rglob("*")) if path.is_file())


def refuse(*_: Any) -> Any:
    try:
        raise ConnectionError(f"POST http://me:{KEY}@host/v1?api_key={KEY}: 401")
    except ConnectionError as error:
        raise RuntimeError(f"the server refused {KEY}") from error


def models(role: str) -> Models:
    given: dict[str, Any] = {"vision": FakeVision("a wall"), "embedder": FakeEmbedder(), "ocr": FakeReader("x1")}
    if role == "chat":
        given["chat"] = FakeChat(refuse)
    else:
        method = {"vision": "generate", "embedder": "encode_document", "ocr": "read"}[role]
        setattr(given[role], method, refuse)
    return Models.of(**given)


@pytest.mark.parametrize("role", ["vision", "embedder", "ocr", "chat"])
def test_a_key_in_a_models_error_is_nowhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    made = models(role)
    monkeypatch.setattr(Workspace, "models", property(lambda self: made))
    status = main(["index", str(folder)])
    assert status == 3
    for command in (["status", str(folder)], ["status", str(folder), "--json"], ["index", str(folder), "--dry-run"]):
        assert main(command) == 0
    said = capsys.readouterr()
    assert "refused ***" in said.err
    assert KEY not in said.out + said.err
    held = everything(folder)
    assert KEY.encode() not in held
    assert b"refused ***" in held


def test_settings_and_arguments_are_written_without_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["lvqa", "index", "--set", f"currency={KEY}"])
    made = models("chat")
    with Archive(folder, models=made, currency="USD" + KEY[:5]) as archive:
        archive.workspace.settings = Settings(currency=KEY[:16])
        archive.index()
    (log,) = (folder / ".lvqa" / "logs").iterdir()
    assert KEY not in log.read_text()
    assert json.loads(log.read_text().splitlines()[0])["argv"][-1] == "currency=***"


def test_an_error_that_nobody_expected_is_struck_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Archive, "videos", refuse)
    made = Models.of(embedder=FakeEmbedder())
    monkeypatch.setattr(Workspace, "models", property(lambda self: made))
    main(["index", str(folder)])
    assert main(["videos", str(folder)]) == 1
    said = capsys.readouterr()
    assert "Traceback" in said.err
    assert KEY not in said.out + said.err


@pytest.mark.parametrize(
    "address",
    [f"http://me:{KEY}@host/v1", f"http://{KEY}@host/v1", f"http://host/v1?key={KEY}", f"http://host/v1#{KEY}"],
)
def test_an_address_with_a_key_is_refused_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    for command in (["index", str(folder)], ["ask", str(folder), "Why?"], ["models"]):
        assert main([*command, "--vision", f"openai:m@{address}", "--profile", "text"]) == 2
    said = capsys.readouterr()
    assert "OPENAI_API_KEY" in said.err
    assert KEY not in said.out + said.err
    assert not (folder / ".lvqa" / "archive.db").exists() or KEY.encode() not in everything(folder)
    with pytest.raises(UsageError):
        Models(Settings(chat=f"openai:m@{address}", profile="text")).choice  # noqa: B018


@pytest.fixture
def standin() -> Iterator[str]:
    from lvqa.eval.lab.standin import serve

    with serve() as base_url:
        yield base_url


@pytest.mark.skipif(importlib.util.find_spec("langchain_openai") is None, reason="needs langchain-openai")
@pytest.mark.real_models
def test_the_key_of_a_server_is_nowhere_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch, standin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from langchain_openai.chat_models.base import BaseChatOpenAI

    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-abcdef0123456789")

    def refused(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"Incorrect API key provided: {self.openai_api_key.get_secret_value()}")

    monkeypatch.setattr(BaseChatOpenAI, "_generate", refused)
    argv = ["index", str(folder), "--vision", f"openai:m@{standin}", "--profile", "text"]
    assert main([*argv, "--embedder", "none", "--ocr", "none", "--asr", "none"]) == 3
    said = capsys.readouterr()
    assert "Incorrect API key provided: ***" in said.err
    assert "sk-live" not in said.out + said.err
    assert b"sk-live" not in everything(folder)


METHODS: list[tuple[str, str, Callable[[Archive], Any]]] = [
    ("embedder", "encode_query", lambda archive: archive.search("a wall")),
    ("embedder", "encode_query", lambda archive: archive.ask("What is it?")),
    ("image_embedder", "encode_query", lambda archive: archive.search("a wall")),
    ("vision", "yes_probability", lambda archive: archive.find("a wall")),
    ("detector", "detect", lambda archive: archive.find("a wall")),
    ("embedder", "encode_document", lambda archive: archive.index()),
    ("image_embedder", "encode_frames", lambda archive: archive.index()),
    ("vision", "generate", lambda archive: archive.index()),
]


@pytest.mark.parametrize(("role", "method", "use"), METHODS, ids=[f"{r}.{m}" for r, m, _ in METHODS])
def test_what_a_model_of_ones_own_raises_never_escapes_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, role: str, method: str, use: Callable[[Archive], Any]
) -> None:
    from lvqa.models.fake import FakeDetector, FakeImageEmbedder

    monkeypatch.delenv("LVQA_DEBUG")
    given: dict[str, Any] = {
        "vision": FakeVision("a wall"), "embedder": FakeEmbedder(), "image_embedder": FakeImageEmbedder(),
    }  # fmt: skip
    if role == "detector":
        given["detector"] = FakeDetector()
    with Archive(folder, models=Models.of(**given), profile="text", searcher="tstar") as archive:
        archive.index()
        if method in ("encode_document", "generate", "encode_frames"):
            given[role].name = "fake:another"
        setattr(given[role], method, refuse)
        archive = Archive(folder, models=Models.of(**given), profile="text", searcher="tstar")
        raised: LvqaError | None = None
        try:
            use(archive)
        except LvqaError as error:
            raised = error
        assert raised is None or (given[role].name in str(raised) and KEY not in str(raised))
