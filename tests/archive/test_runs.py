"""A question that is asked with --checkpoint is gone on with by --resume, from Python and from the command line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lvqa import Archive, Budget, StoreError, UsageError
from lvqa.models.fake import FakeEmbedder
from lvqa.models.profiles import Models

ROWS = (
    (0, 6, "a man walks into the kitchen"),
    (6, 12, "the woman opens the fridge and lifts out a milk carton"),
    (12, 18, "the woman pours a drink into a red glass"),
)
QUESTION = "What does the woman do after she opens the fridge?"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose index holds imported captions, which need no video file."""
    captions = tmp_path / "captions.jsonl"
    captions.write_text(
        "".join(json.dumps({"video": "a.mp4", "start_s": a, "end_s": b, "text": text}) + "\n" for a, b, text in ROWS)
    )
    with opened(tmp_path) as archive:
        archive.import_captions(captions)
    return tmp_path


def opened(place: Path, **models: object) -> Archive:
    return Archive(place, models=Models.of(embedder=FakeEmbedder(256), **models), profile="text")


def without_seconds(answer: dict) -> dict:
    return {**answer, "cost": {**answer["cost"], "seconds": 0}}


def test_without_the_extra_what_to_install_is_said(place: Path, lvqa, light, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "langgraph.checkpoint.sqlite", None)
    monkeypatch.delitem(sys.modules, "lvqa.agents.checkpoints.runs", raising=False)
    for option in (("--checkpoint",), ("--resume", "ab12cd34")):
        done = lvqa("ask", place, QUESTION, *option, *light)
        assert (done.status, done.out, len(done.err.splitlines())) == (2, "", 1), done.err
        assert "pip install 'lvqa[checkpoints]'" in done.err


class TestRuns:
    """With the extra."""

    @pytest.fixture(autouse=True)
    def _extra(self) -> None:
        pytest.importorskip("langgraph.checkpoint.sqlite")

    def test_an_interrupted_answer_goes_on(self, place: Path) -> None:
        with opened(place) as archive:
            plain = archive.ask(QUESTION, budget=Budget(7))
            run = archive.checkpoint(QUESTION, budget=Budget(7))
            events = archive.stream(QUESTION, resume=run)
            first = next(events)
            events.close()
        with opened(place) as archive:
            after = list(archive.stream(QUESTION, resume=run))
            assert after[0] == first
            assert without_seconds(after[-1].to_dict()) == without_seconds(plain.to_dict())
            assert [step.node for step in after[-1].steps] == [step.node for step in plain.steps]
            again = archive.ask(QUESTION, resume=run)
            assert again == after[-1], "it has ended, and its answer is kept"

    def test_an_index_or_models_that_changed_are_refused(self, place: Path) -> None:
        from lvqa.models.fake import FakeChat

        with opened(place) as archive:
            run = archive.checkpoint(QUESTION)
        with (
            opened(place, chat=FakeChat("{}")) as archive,
            pytest.raises(UsageError, match="the choice of models chan"),
        ):
            archive.stream(QUESTION, resume=run)
        with opened(place) as archive:
            (place / "more.jsonl").write_text(json.dumps({"video": "b.mp4", "start_s": 0, "end_s": 1, "text": "a dog"}))
            archive.import_captions(place / "more.jsonl")
            with pytest.raises(UsageError, match=f"the index changed after run {run} was begun"):
                archive.stream(QUESTION, resume=run)
            with pytest.raises(UsageError, match="there is no run 'x'"):
                archive.ask(QUESTION, resume="x")
            with pytest.raises(UsageError, match="is of another question"):
                archive.ask("Who walks?", resume=run)

    def test_on_the_command_line(self, place: Path, lvqa, light) -> None:
        plain = lvqa("ask", place, QUESTION, "--json", *light)
        done = lvqa("ask", place, QUESTION, "--json", "--checkpoint", *light)
        run = done.json["run"]
        assert "run" not in plain.json
        assert f"lvqa: run {run}; where it is interrupted, --resume goes on with it" in done.err.splitlines()
        assert without_seconds({k: v for k, v in done.json.items() if k != "run"}) == without_seconds(plain.json)
        again = lvqa("ask", place, QUESTION, "--json", "--resume", run, *light)
        assert (again.status, again.json) == (0, done.json)
        for argv, words in (
            (("Who?", "--resume", run), "is of another question"),
            ((QUESTION, "--resume", "nothing"), f"there is no run 'nothing'; there are: {run}"),
            ((QUESTION, "--video", "a.mp4", "--resume", run), "or of other options or videos"),
        ):
            wrong = lvqa("ask", place, *argv, *light)
            assert (wrong.status, wrong.out, len(wrong.err.splitlines())) == (2, "", 1), wrong.err
            assert words in wrong.err

    @pytest.mark.parametrize("spoil", ["garbage", "foreign"])
    def test_a_file_that_is_no_runs_is_one_line(self, place: Path, lvqa, light, spoil: str) -> None:
        path = place / ".lvqa" / "runs.db"
        if spoil == "garbage":
            path.write_bytes(b"no database at all" * 400)
        else:
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("CREATE TABLE checkpoints (a)")
        before = path.read_bytes()
        for option in (("--checkpoint",), ("--resume", "ab12cd34")):
            done = lvqa("ask", place, QUESTION, *option, *light)
            assert (done.status, done.out, len(done.err.splitlines())) == (1, "", 1), done.err
            assert "runs.db" in done.err
        assert path.read_bytes() == before
        with opened(place) as archive, pytest.raises(StoreError):
            archive.checkpoint(QUESTION)

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
    def test_a_read_only_archive_keeps_no_run_and_says_so_once(
        self, place: Path, open_place: Path, light: tuple[str, ...], writable: Callable[[Path, bool], None]
    ) -> None:
        there = shutil.copytree(place, open_place / "videos")
        writable(there, False)
        argv = ["ask", str(there), QUESTION, "--json", "--checkpoint", *light]
        try:
            done = subprocess.run([sys.executable, "-c", READ_ONLY, *argv], capture_output=True, text=True, check=False)
            refused = [*argv[: -len(light) - 1], "--resume", "ab12cd34", *light]
            no = subprocess.run(
                [sys.executable, "-c", READ_ONLY, *refused], capture_output=True, text=True, check=False
            )
        finally:
            writable(there, True)
        assert done.returncode == 0, done.stderr
        assert len(re.findall("cannot be written, so this run cannot be resumed", done.stderr)) == 1
        assert "run" not in json.loads(done.stdout)
        assert (no.returncode, no.stdout) == (2, "")
        assert "cannot be written, so no run goes on there" in no.stderr
        assert not list(there.rglob("runs.db*"))


READ_ONLY = """
import os, sys
from lvqa.cli import main
import lvqa.agents.checkpoints.runs, lvqa.agents.run, lvqa.archive.chats, lvqa.cli.questions, lvqa.media, lvqa.store
if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def writable() -> Callable[[Path, bool], None]:
    def change(place: Path, may: bool) -> None:
        for path in (place, *place.rglob("*")):
            path.chmod((0o755 if may else 0o555) if path.is_dir() else (0o644 if may else 0o444))

    return change
