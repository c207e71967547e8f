"""The command line: what scripts rely on, exit statuses, one line for every error."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from lvqa import Archive
from lvqa.archive.workspace import Workspace
from lvqa.cli import options
from lvqa.cli.app import app
from lvqa.settings import Profile, Settings
from lvqa.types import SOURCES, Span

EVIDENCE_FIELDS = {"video", "start_s", "end_s", "text", "source", "score"}
HIT_FIELDS = EVIDENCE_FIELDS | {"window_start_s", "window_end_s"}


@pytest.fixture
def indexed(folder: Path, lvqa, light) -> Path:
    assert lvqa("index", folder, *light).status == 0
    return folder


def one_line_error(done) -> str:
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("lvqa: error: ")
    return lines[0].removeprefix("lvqa: error: ")


def test_index_ask_search_as_people_see_them(indexed: Path, lvqa, light) -> None:
    done = lvqa("ask", indexed, "What does she take out of the fridge?", *light)
    assert done.status == 0
    first, *rest = done.out.splitlines()
    assert re.search(r"\(confidence [01]\.\d\d\)$", first)
    assert any(re.match(r"  kitchen\.mp4  00:00:0\d-00:00:0\d  .*\[speech\]$", line) for line in rest)
    assert re.match(
        r"  cost: \d+ frames? looked at, \d+ VLM calls?, \d+ LLM calls?, [\d ]+ tokens?, \d+\.\d s$", rest[-1]
    )
    found = lvqa("search", indexed, "carton of milk", "-k", "1", *light)
    assert found.out == "kitchen.mp4  00:00:02-00:00:04  She takes out a carton of milk.  [speech]\n"


def test_ask_json(indexed: Path, lvqa, light) -> None:
    answer = lvqa("ask", indexed, "What does she take out of the fridge?", "--json", *light).json
    fields = {"answer", "choice", "confidence", "status", "abstained", "evidence", "statements", "computed", "cost"}
    assert set(answer) == fields
    assert all(0 <= n < len(answer["evidence"]) for said in answer["statements"] for n in said["evidence"])
    assert set(answer["cost"]) == {"frames", "vlm_calls", "llm_calls", "tokens_in", "tokens_out", "seconds", "money"}
    assert answer["evidence"]
    assert all(set(e) == EVIDENCE_FIELDS for e in answer["evidence"])


def test_ask_with_options_chooses_one(indexed: Path, lvqa, light) -> None:
    argv = ("ask", indexed, "What does she take out?", "--option", "a bone", "--option", "a carton of milk", *light)
    answer = lvqa(*argv, "--json").json
    assert answer["choice"] == 1
    assert lvqa(*argv).out.startswith("(B) ")


def test_ask_steps(indexed: Path, lvqa, light) -> None:
    done = lvqa("ask", indexed, "What does the dog dig up?", "--steps", "--json", *light)
    nodes = [step["node"] for step in done.json["steps"]]
    assert nodes[0] == "plan"
    assert {"recall", "answer", "verify"} <= set(nodes)
    assert "recall:" in done.err


def test_every_place_of_a_word_is_listed(indexed: Path, lvqa, light) -> None:
    found = lvqa("search", indexed, "fridge", "--all", "--json", *light)
    assert found.status == 0
    assert found.json
    assert all("fridge" in hit["text"].lower() for hit in found.json)
    nowhere = lvqa("search", indexed, "zeppelin", "--all", *light)
    assert (nowhere.status, nowhere.out) == (0, "")
    assert "these words stand nowhere" in nowhere.err


def test_a_word_that_was_mistyped_is_told(indexed: Path, lvqa, light) -> None:
    assert "did you mean fridge?" in lvqa("search", indexed, "frigde", *light).err
    assert "did you mean" not in lvqa("search", indexed, "fridge", *light).err


def test_search_json_and_its_filters(indexed: Path, lvqa, light) -> None:
    def search(*argv: str) -> list[dict]:
        done = lvqa("search", indexed, "fridge milk glass bone cat", "--json", *argv, *light)
        assert done.status == 0
        assert all(set(hit) == HIT_FIELDS for hit in done.json)
        return done.json

    assert {hit["video"] for hit in search()} == {"garden.mp4", "kitchen.mp4"}
    assert len(search("-k", "2")) == 2
    assert {hit["video"] for hit in search("--video", "garden.mp4")} == {"garden.mp4"}
    assert all(hit["start_s"] < 4 and hit["end_s"] > 2 for hit in search("--between", "0:02-0:04"))
    assert {hit["start_s"] for hit in search("--between", "0:02-0:04", "--video", "kitchen")} == {2.0}
    assert search("--source", "screen") == []
    assert {hit["source"] for hit in search("--source", "speech")} == {"speech"}


def test_status_json(indexed: Path, lvqa) -> None:
    status = lvqa("status", indexed, "--json").json
    assert status["videos"] == {"indexed": 2, "failed": 0, "pending": 0}
    assert status["notes"] >= 5
    assert status["bytes"] > 0
    assert {"clips", "embeddings", "failures"} <= set(status)
    assert "2 indexed, 0 failed, 0 pending" in lvqa("status", indexed).out


def test_videos_and_show(indexed: Path, lvqa) -> None:
    videos = lvqa("videos", indexed, "--json").json
    assert [(v["video"], v["duration_s"]) for v in videos] == [("garden.mp4", 4.0), ("kitchen.mp4", 6.0)]
    assert [line.split()[0] for line in lvqa("videos", indexed).out.splitlines()] == ["garden.mp4", "kitchen.mp4"]
    shown = lvqa("show", indexed, "kitchen.mp4", "--json").json
    assert shown["video"]["video"] == "kitchen.mp4"
    starts = [note["start_s"] for note in shown["notes"]]
    assert starts == sorted(starts)
    assert "[speech]  She opens the fridge." in lvqa("show", indexed, "kitchen").out


def test_remove_takes_a_video_out_and_index_takes_it_in_again(indexed: Path, lvqa, light) -> None:
    assert lvqa("remove", indexed, "garden.mp4", "--json").json["videos"] == 1
    assert lvqa("search", indexed, "bone", "--json", *light).json == []
    assert (indexed / "garden.mp4").is_file()
    assert lvqa("index", indexed, *light).status == 0
    assert lvqa("search", indexed, "bone", "--json", *light).json


def test_import_needs_no_video_file(tmp_path: Path, lvqa, light) -> None:
    rows = [{"video": "far/away.mp4", "start_s": 3, "end_s": 5, "text": "a red kite rises"}]
    captions = tmp_path / "captions.jsonl"
    captions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert lvqa("import", tmp_path, captions, *light).status == 0
    (hit,) = lvqa("search", tmp_path, "kite", "--json", *light).json
    assert (hit["video"], hit["start_s"], hit["end_s"], hit["source"]) == ("far/away.mp4", 3, 5, "imported")


def test_archive_option_puts_the_index_elsewhere(folder: Path, tmp_path: Path, lvqa, light) -> None:
    elsewhere = tmp_path / "index"
    assert lvqa("index", folder, "--archive", elsewhere, *light).status == 0
    assert not (folder / ".lvqa").exists()
    assert lvqa("status", folder, "--archive", elsewhere, "--json").json["videos"]["indexed"] == 2
    assert "--archive" not in one_line_error(lvqa("status", folder))


def test_what_is_not_there_is_said_to_be_absent(indexed: Path, lvqa, light) -> None:
    question = "Which helicopter pilot landed on the glacier?"
    answer = lvqa("ask", indexed, question, "--json", *light).json
    assert (answer["abstained"], answer["choice"]) == (True, None)
    assert lvqa("ask", indexed, question, *light).out.startswith("Not in these videos")


def test_models_lists_every_profile(lvqa) -> None:
    rows = lvqa("models", "--json").json
    assert {"gpu", "cpu", "text"} <= {row["profile"] for row in rows}
    assert all({"role", "spec", "available", "bytes", "where", "hint"} <= set(row) for row in rows)
    assert "embedder" in lvqa("models").out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("ask", "{folder}", ""), "question is empty"),
        (("ask", "{folder}", "  \n "), "question is empty"),
        (("search", "{folder}", " "), "query is empty"),
        (("ask", "", "Why?"), "archive's name is empty"),
        (("index", "  "), "archive's name is empty"),
        (("ask", "{folder}", "Why?", "--option", "only one"), "at least two options"),
        (("ask", "{folder}", "Why?", "--between", "5:00"), "10:00-12:30"),
        (("ask", "{folder}", "Why?", "--between", "2-1"), "10:00-12:30"),
        (("ask", "{folder}", "Why?", "--video", "nope.mp4"), "no video 'nope.mp4' in the index; there are: garden.mp4"),
        (("ask", "{folder}", "Why?", "--profile", "huge"), "bad setting: profile"),
        (("ask", "{folder}", "Why?", "--set", "speed=1"), "no setting speed"),
        (("ask", "{folder}", "Why?", "--set", "models=1"), "no setting models"),
        (("ask", "{folder}", "Why?", "--set", "sample_fps"), "--set sample_fps=1"),
        (("search", "{folder}", "x", "--source", "gossip"), "there are: caption, speech"),
        (("search", "{folder}", "x", "-k", "0"), "see 'lvqa search --help'"),
        (("show", "{folder}", "nope"), "no video 'nope'"),
        (("remove", "{folder}", "*.mp4"), "names 2 videos"),
        (("import", "{folder}", "nope.jsonl"), "there is no file"),
        (("frobnicate",), "see 'lvqa --help'"),
        (("ask", "{folder}"), "Missing argument 'QUESTION'"),
        (("index", "/no/such/folder"), "there is no folder /no/such/folder"),
    ],
)
def test_usage_errors_are_one_line_and_status_2(indexed: Path, lvqa, argv: tuple[str, ...], words: str) -> None:
    done = lvqa(*(a.format(folder=indexed) for a in argv))
    assert words in one_line_error(done)
    assert done.status == 2


def test_asking_before_indexing_says_what_to_run(folder: Path, lvqa) -> None:
    for command in (("ask", folder, "Why?"), ("search", folder, "x"), ("status", folder)):
        done = lvqa(*command)
        assert one_line_error(done).endswith(f"run: lvqa index {folder}")
        assert done.status == 2
    assert not (folder / ".lvqa").exists()


def test_debug_shows_the_traceback_as_well(folder: Path, lvqa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LVQA_DEBUG", "1")
    done = lvqa("ask", folder, "Why?")
    assert done.status == 2
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("lvqa: error: ")


def test_an_unexpected_error_is_one_line_too(folder: Path, lvqa, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args, **kwargs):
        raise KeyError("oops\nnext line")

    monkeypatch.setattr(Archive, "status", broken)
    done = lvqa("status", folder)
    assert done.status == 1
    assert "KeyError" in one_line_error(done)


def test_ctrl_c_is_one_line_and_130(folder: Path, lvqa, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Archive, "index", stopped)
    done = lvqa("index", folder)
    assert (done.status, done.err) == (130, "lvqa: stopped; run again to go on\n")


def test_control_characters_never_reach_the_terminal(tmp_path: Path, lvqa, light) -> None:
    rows = [{"video": "a\x1b]0;owned\x07.mp4", "start_s": 0, "end_s": 1, "text": "red \x1b[2J kite \x9b31m"}]
    captions = tmp_path / "c.jsonl"
    captions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert lvqa("import", tmp_path, captions, *light).status == 0
    for argv in (
        ("search", tmp_path, "kite", *light),
        ("ask", tmp_path, "What rises, the kite?", "--steps", *light),
        ("videos", tmp_path),
        ("show", tmp_path, "a*"),
        ("status", tmp_path),
        ("show", tmp_path, "\x1b[31m"),
    ):
        done = lvqa(*argv)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out + done.err), argv
    assert lvqa("search", tmp_path, "kite", "--json", *light).json[0]["video"].startswith("a")


def test_a_closed_pipe_is_quiet(indexed: Path) -> None:
    program = f"{sys.executable} -m lvqa.cli videos '{indexed}' --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")  # 0 where the pipe closed after the last write


def test_a_pipe_that_is_closed_before_the_output(indexed: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "lvqa.cli", "videos", str(indexed)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_while_indexing_stops_and_goes_on_later(
    tmp_path: Path, make_video: Callable[..., Path], lvqa, light, spawn, until
) -> None:
    for n in range(10):
        make_video(tmp_path / f"v{n:02}.mp4", *(f"card {n} {m}" for m in range(8)), said=[(0, 2, f"word{n}")])
    command = [sys.executable, "-m", "lvqa.cli", "index", str(tmp_path), *light]
    process = spawn(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    database = tmp_path / ".lvqa" / "archive.db"
    until(lambda: (database.exists() and database.stat().st_size) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode in (0, 130)  # 0 where it had just finished
    if process.returncode == 130:
        first, last = err.splitlines()[0], err.splitlines()[-1]
        # Where it came before there was a run, nothing was under way.
        if first != "lvqa: stopped; run again to go on":
            assert "press Ctrl-C again" in first
            assert re.search(r"^lvqa: stopped after the batch under way: .*; run the same command to go on$", last)
    assert lvqa("index", tmp_path, *light).status == 0
    assert lvqa("status", tmp_path, "--json").json["videos"] == {"indexed": 10, "failed": 0, "pending": 0}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str) -> None:
    env = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "lvqa.cli"]
    shown = subprocess.run([*command, "--show-completion", shell], env=env, capture_output=True, text=True, check=True)
    assert "_LVQA_COMPLETE" in shown.stdout
    words = {"COMP_WORDS": "lvqa se", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "lvqa se"}
    asked = {"_LVQA_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(command, env=env | words | asked, capture_output=True, text=True, check=False)
    assert "search" in done.stdout


def test_shared_options_name_the_settings_that_there_are() -> None:
    assert set(options.MODEL_OPTIONS) <= set(Settings.model_fields)
    assert Profile.__args__ == options.PROFILES
    assert options.SOURCES == SOURCES


def test_every_command_takes_json() -> None:
    group = typer.main.get_command(app)
    commands = {**group.commands, **group.commands["eval"].commands}  # type: ignore[attr-defined]
    for name in set(commands) - {"eval"}:
        assert "--json" in {flag for param in commands[name].params for flag in param.opts}, name


def test_between_and_assignments() -> None:
    assert options.parse_between("10:00-12:30.5") == Span(600, 750.5)
    assert options.parse_between("1:00:00-01:00:02") == Span(3600, 3602)
    assert options.parse_assignments(["sample-fps=1", "vision=hf:a=b"]) == {"sample_fps": "1", "vision": "hf:a=b"}


def long_captions(folder: Path) -> Path:
    """Two topics of 100 s each."""
    topics = (("she chops onions on a board", "the soup boils"), ("the striker shoots at the goal", "the keeper dives"))
    rows = [
        {"video": "day.mp4", "start_s": 100 * n + 4 * k, "end_s": 100 * n + 4 * k + 4, "text": texts[k % 2]}
        for n, texts in enumerate(topics)
        for k in range(25)
    ]
    path = folder / "captions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_segments_and_summaries_as_people_and_programs_see_them(tmp_path: Path, lvqa, light) -> None:
    done = lvqa("import", tmp_path, long_captions(tmp_path), *light)
    assert done.status == 0
    assert done.out.strip().endswith(", 2 segments")
    shown = lvqa("show", tmp_path, "day.mp4")
    lines = shown.out.splitlines()
    assert "onions" in lines[1]
    assert "striker" in lines[1]
    segments = [line for line in lines if "[segment]" in line]
    assert [line.split()[0] for line in segments] == ["00:00:00-00:01:40", "00:01:40-00:03:20"]
    report = lvqa("show", tmp_path, "day.mp4", "--json").json
    assert (report["summary"]["start_s"], report["summary"]["end_s"]) == (0, 200)
    assert [note["source"] for note in report["segments"]] == ["summary"] * 2
    assert {note["source"] for note in report["notes"]} == {"imported"}
    (video,) = lvqa("videos", tmp_path, "--json").json
    assert video["summary"] == report["summary"]["text"]
    status = lvqa("status", tmp_path, "--json").json
    assert (status["clips"], status["segments"]) == (50, 2)
    assert status["digest"] == {"text": video["summary"], "model": "builtin:extractive", "stale": False}
    assert re.search(r"^digest +she chops", lvqa("status", tmp_path).out, re.MULTILINE)
    with Archive(tmp_path) as archive:
        assert archive.digest == video["summary"]
        assert archive.summaries() == {"day.mp4": video["summary"]}


def test_summaries_come_to_those_who_ask_for_them(tmp_path: Path, lvqa, light) -> None:
    lvqa("import", tmp_path, long_captions(tmp_path), *light)
    hits = lvqa("search", tmp_path, "striker goal keeper", "-k", "60", "--json", *light).json
    assert {hit["source"] for hit in hits} == {"imported"}
    hits = lvqa("search", tmp_path, "striker goal keeper", "--source", "summary", "--json", *light).json
    assert {(hit["start_s"], hit["end_s"]) for hit in hits} == {(100, 200), (0, 200)}
    assert (
        lvqa("ask", tmp_path, "Who shoots at the goal?", "--json", *light).json["evidence"][0]["source"] == "imported"
    )


def test_summaries_can_be_left_out(indexed: Path, tmp_path: Path, lvqa, light) -> None:
    done = lvqa("import", tmp_path, long_captions(tmp_path), "--set", "summaries=none", "--json", *light)
    assert done.json["summaries"]["segments"] == 0
    report = lvqa("index", indexed, "--json", *light).json
    assert set(report["summaries"]) == {
        "videos", "segments", "reused", "unparsed", "digest", "llm_calls", "tokens_in", "tokens_out", "failed",
    }  # fmt: skip
    assert report["summaries"]["videos"] == 0


def test_a_digest_of_videos_that_are_gone_is_told_as_such(indexed: Path, lvqa, light) -> None:
    lvqa("remove", indexed, "garden.mp4")
    assert lvqa("status", indexed, "--json").json["digest"]["stale"]
    assert "index again" in lvqa("status", indexed).out
    lvqa("index", indexed, *light)
    assert not lvqa("status", indexed, "--json").json["digest"]["stale"]


def test_a_chat_model_that_summarises_one_video_badly_is_exit_status_3(folder: Path, lvqa, monkeypatch) -> None:
    from lvqa.errors import ModelError
    from lvqa.models.fake_chat import FakeChat
    from lvqa.models.profiles import Models

    def moody(messages) -> str:
        if "bone" in str(messages[-1].content):
            raise ModelError("out of memory\x1b[31m")
        return "A kitchen."

    models = Models.of(chat=FakeChat(moody))
    monkeypatch.setattr(Workspace, "models", property(lambda self: models))
    done = lvqa("index", folder)
    assert done.status == 3
    assert "2 segments" not in done.out
    assert "  summaries: 2 LLM calls, " in done.out
    assert done.err.splitlines() == ["lvqa: garden.mp4: no summary: out of memory\\x1b[31m"]
    assert lvqa("videos", folder).err.startswith("lvqa: garden.mp4: failed: out of memory")


def test_captions_that_are_refusals_are_exit_status_4(folder: Path, lvqa, monkeypatch) -> None:
    from lvqa.models.fake import FakeVision
    from lvqa.models.profiles import Models

    models = Models.of(vision=FakeVision("I'm sorry, I can't help with that."))
    monkeypatch.setattr(Workspace, "models", property(lambda self: models))
    done = lvqa("index", folder)
    assert done.status == 4
    assert "NO CAPTIONS TO USE" in done.err
    assert "fake:vision" in done.err


def test_what_can_be_refreshed_is_said(indexed: Path, lvqa, light) -> None:
    assert lvqa("index", indexed, "--dry-run", "--refresh", "captions", *light).status == 0
    wrong = lvqa("index", indexed, "--refresh", "everything", *light)
    assert wrong.status == 2
    assert "there are: captions" in one_line_error(wrong)


def test_a_dry_run_asks_nothing_and_says_what_it_would_take(indexed: Path, lvqa, light) -> None:
    argv = ("ask", indexed, "What does she take out of the fridge?", "--dry-run", *light)
    done = lvqa(*argv, "--set", "price_frame=0.01")
    assert done.status == 0
    assert done.out.startswith("at most 0 frames looked at")
    assert "USD" in done.out
    document = lvqa(*argv, "--json").json
    assert set(document) >= {"agent", "rounds", "at_most", "likely", "why"}
    assert document["at_most"]["llm_calls"] == 0
    assert lvqa(*argv, "--agent", "llovi", "--json").json["agent"] == "llovi"
    assert lvqa(*argv, "--agent", "nobody").status == 2


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        (["index", "videos"], ["index", "videos"]),
        (["index", "--wait"], ["index", "--wait", "inf"]),
        (["index", "--wait", "videos", "--json"], ["index", "--wait", "inf", "videos", "--json"]),
        (["index", "--wait", "30", "videos"], ["index", "--wait", "30", "videos"]),
        (["index", "videos", "--wait", "--archive", "x"], ["index", "videos", "--wait", "inf", "--archive", "x"]),
        (["index", "--wait", "nan"], ["index", "--wait", "inf", "nan"]),
    ],
)
def test_wait_goes_without_a_number(given: list[str], spelt: list[str]) -> None:
    assert options.spell_out_wait(given) == spelt


def test_a_second_writer_is_refused_or_waits(indexed: Path, lvqa, light, tmp_path: Path, monkeypatch) -> None:
    from lvqa.store import Store

    class Ending(io.StringIO):
        """What is said; the other writer ends once somebody says that it is waited for."""

        def write(self, text: str) -> int:
            if "waiting for" in text:
                held.close()
            return super().write(text)

    captions = tmp_path / "captions.jsonl"
    captions.write_text('{"video": "kitchen.mp4", "start_s": 0, "end_s": 2, "text": "a cat"}\n')
    commands = (("index", indexed, *light), ("import", indexed, captions, *light), ("remove", indexed, "kitchen.mp4"))
    for command in commands:
        held = Store.open(indexed / ".lvqa", write=True, doing="index")
        refused = lvqa(*command)
        assert refused.status == 1
        assert re.search(rf"process {os.getpid()} on \S+ \(lvqa index\) since .*, add --wait", one_line_error(refused))
        assert lvqa(*command, "--wait", "0.1").status == 1
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", said := Ending())
            assert lvqa(*command, "--wait").status == 0
        assert re.search(rf"lvqa: waiting for process {os.getpid()} on \S+ \(lvqa index\)", said.getvalue())
    assert lvqa("index", indexed, "--wait", "-1").status == 2
