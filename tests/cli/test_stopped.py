"""Ctrl-C during `lvqa ask`, what an estimate learns from answers before it, dry runs, and a run under way."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime, timedelta
from functools import partial

import pytest

from lvqa import Archive, indexers
from lvqa.agents.rules import extractive
from lvqa.indexers import run_status
from lvqa.indexers.run_log import RunLog
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.recall import Retriever
from lvqa.store import Store

QUESTION = "What does she take out of the fridge?"


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_while_asking_prints_what_was_found(archive: Archive, folder, lvqa, light, monkeypatch, as_json) -> None:
    drafts, calls = extractive.draft, []

    def interrupted_at_first(*args, **kwargs):
        calls.append(args)
        if len(calls) == 1:  # after recall: the notes are there, and nothing is drafted
            raise KeyboardInterrupt
        return drafts(*args, **kwargs)

    monkeypatch.setattr(extractive, "draft", interrupted_at_first)
    done = lvqa("ask", folder, QUESTION, *light, *(["--json"] if as_json else []))
    assert done.status == 130
    assert done.err == "lvqa: stopped: answered from what was found so far\n"
    text = json.loads(done.out)["answer"] if as_json else done.out
    assert text.startswith("It is said: ")


def test_ctrl_c_before_anything_was_found_says_so(archive: Archive, folder, lvqa, light, monkeypatch) -> None:
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Retriever, "search", interrupted)
    done = lvqa("ask", folder, QUESTION, *light)
    assert done.status == 130
    assert done.out.startswith("No answer: stopped before anything was found")


def test_a_second_ctrl_c_stops_without_an_answer(archive: Archive, folder, lvqa, light, monkeypatch) -> None:
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    # The first in the node that answers, the second while the answer so far is made.
    monkeypatch.setattr(extractive, "draft", interrupted)
    done = lvqa("ask", folder, QUESTION, *light)
    assert (done.status, done.out, done.err) == (130, "", "lvqa: stopped; run again to go on\n")


def test_seconds_are_told_once_these_models_were_timed(archive: Archive, folder) -> None:
    asked = Archive(folder, models=Models.of(vision=FakeVision(latency_s=0.01)), profile="text")
    before = asked.estimate(QUESTION)
    assert not before.timed
    assert "seconds" not in before.to_dict()["at_most"]
    took = asked.ask(QUESTION).cost
    after = asked.estimate(QUESTION)
    assert took.vlm_calls > 0
    assert after.timed
    assert 0 < after.likely.seconds <= after.most.seconds
    assert after.to_dict()["at_most"]["seconds"] > 0
    assert not Archive(folder, models=Models.of(vision=FakeVision()), profile="text").estimate(QUESTION).timed


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(folder, lvqa, light) -> None:
    done = lvqa("index", folder, "--dry-run", *light)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:3] == ["garden.mp4: new", "  segment: to do", "  speech: to do"]
    assert lines[-1].startswith("2 videos to index (2 new); 10 s to decode")
    assert not (folder / ".lvqa").exists()
    assert lvqa("index", folder, *light).status == 0
    for file in folder.glob("garden.*"):
        file.rename(file.with_name(file.name.replace("garden", "park")))
    plan = lvqa("index", folder, "--dry-run", "--json", *light).json
    assert plan["states"] == {"unchanged": 1, "moved": 1}
    (moved,) = [file for file in plan["files"] if file["state"] == "moved"]
    assert (moved["video"], moved["was"], plan["videos"]) == ("park.mp4", "garden.mp4", 0)
    changed = lvqa("index", folder, "--dry-run", "--set", "clip_max_s=3", *light).out
    assert "  segment: redo: clip_max_s 8 -> 3" in changed
    assert [v.path for v in Archive(folder).videos()] == ["garden.mp4", "kitchen.mp4"]


def test_a_dry_run_works_while_another_run_holds_the_index(folder, archive: Archive) -> None:
    with Store.open(archive.index_dir, write=True):
        plan = archive.plan_index()
        assert plan.videos == 0
        assert plan.states == {"unchanged": 2}


def test_a_dry_run_on_an_index_of_another_folder_is_refused(
    archive: Archive, lvqa, light, tmp_path, make_video
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_video(other / "a.mp4", "card")
    done = lvqa("index", other, "--archive", archive.index_dir, "--dry-run", *light)
    assert done.status == 2
    assert "is that of" in done.err


def test_a_stopped_archive_says_so_and_goes_on(folder, models) -> None:
    archive = Archive(folder, models=models, profile="text")
    report = archive.index(stop=lambda: True)
    assert report.stopped
    assert not archive.index().stopped


def test_an_import_that_is_stopped_says_how_to_go_on(folder, lvqa, light, monkeypatch, tmp_path) -> None:
    from lvqa.stopping import Stop

    captions = tmp_path / "c.jsonl"
    captions.write_text('{"video": "x", "start_s": 0, "end_s": 1, "text": "a kite"}\n')
    monkeypatch.setattr(Stop, "__call__", lambda self: True)
    done = lvqa("import", folder, captions, *light)
    assert done.status == 130
    assert "run the same command to go on" in done.err.splitlines()[-1]


def test_status_tells_of_a_run_under_way(folder, archive: Archive, lvqa, monkeypatch) -> None:
    assert lvqa("status", folder, "--json").json["run"] is None
    assert "running" not in lvqa("status", folder).out
    with RunLog(archive.index_dir, "index", beat_s=threading.TIMEOUT_MAX) as log:
        log.start({}, {})
        log.write("plan", videos=7)
        log.begin("a.mp4")
        log.finish("a.mp4", "video_done")
        last = datetime.fromisoformat(json.loads(log.path.read_text().splitlines()[-1])["time"])

        def it_is(quiet_s: float) -> None:
            monkeypatch.setattr(
                indexers, "find_run", partial(run_status.find_run, now=last + timedelta(seconds=quiet_s))
            )

        it_is(quiet_s=7)
        run = lvqa("status", folder, "--json").json["run"]
        assert (run["pid"], run["videos"], run["videos_total"], run["silent"]) == (os.getpid(), 1, 7, False)
        (line,) = [line for line in lvqa("status", folder).out.splitlines() if line.startswith("running")]
        assert f"lvqa index, process {os.getpid()} on " in line
        assert "1 of 7 videos done; last sign of life 7 s ago" in line
        it_is(quiet_s=3600)
        assert "no sign of life for" in lvqa("status", folder).out
    assert lvqa("status", folder, "--json").json["run"] is None
