"""The log of a run: what stands in it, that it never stops a run, and what is read from it about a run under way."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import ModelError, UsageError
from lvqa.indexers import find_run, import_captions
from lvqa.indexers import run_log as runlog
from lvqa.indexers.run_log import KEPT, RunLog
from lvqa.models.base import VisionRequest
from lvqa.models.fake import FakeVision
from lvqa.store.lock import holder

GREEN, RED = (0, 160, 0), (255, 0, 0)


def events(index_dir: Path, n: int = -1) -> list[dict[str, Any]]:
    path = sorted((index_dir / "logs").iterdir())[n]
    return [json.loads(line) for line in path.read_text().splitlines()]


def of(rows: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["event"] == event]


def test_a_run_is_written_down_from_start_to_end(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    counter("a.mp4", 20)
    counter("b.mp4", 6, RED)
    (folder / "bad.mp4").write_text("no video")
    kit.run()
    (path,) = (kit.index_dir / "logs").iterdir()
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}\.\d{{6}}Z-{os.getpid()}\.jsonl", path.name)
    rows = events(kit.index_dir)
    assert [rows[0]["event"], rows[-1]["event"]] == ["start", "end"]
    start = rows[0]
    assert (start["pid"], start["host"], start["call"]) == (os.getpid(), socket.gethostname(), "index")
    assert start["settings"]["clip_max_s"] == 4.0
    assert start["models"]["vision"] == "fake:vision"
    (plan,) = of(rows, "plan")
    assert plan["files"] == {"new": 2, "unreadable": 1}
    assert plan["videos"] == 2
    assert plan["stages"]["caption"] == 2
    assert {row["video"] for row in of(rows, "video_begun")} == {"a.mp4", "b.mp4"}
    assert {row["video"] for row in of(rows, "video_done")} == {"a.mp4", "b.mp4"}
    (failed,) = of(rows, "video_failed")
    assert failed["video"] == "bad.mp4"
    assert failed["reason"]
    batches = [row for row in of(rows, "batch") if row["video"] == "a.mp4" and row["part"] == "visual"]
    assert [row["until_s"] for row in batches] == [8, 16, 20]
    assert sum(row["clips"] for row in batches) == 5
    assert rows[-1]["outcome"] == "done"
    assert rows[-1]["report"]["indexed"] == 2
    assert all(datetime.fromisoformat(row["time"]) for row in rows)
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    assert find_run(kit.index_dir) is None


def test_errors_are_written_with_their_traceback(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 6)

    def look(request: VisionRequest) -> str:
        raise ZeroDivisionError("of the model")

    kit.vision = FakeVision(look)
    report = kit.run()
    assert "ZeroDivisionError: of the model" in report.failed[0][1]
    (error,) = of(events(kit.index_dir), "error")
    assert error["stage"] == "caption"
    assert 'raise ZeroDivisionError("of the model")' in error["traceback"]
    assert error["kind"] == "ModelError"


def test_what_ends_a_run_is_in_its_log(kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from lvqa.indexers.planning.plan import Planner

    counter("a.mp4", 6)
    for error, outcome in ((ModelError("gone; start it"), "failed"), (KeyboardInterrupt(), "interrupted")):

        def fails(self: Planner, error: BaseException = error) -> Any:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(Planner, "plan", fails)
            with pytest.raises(type(error)):
                kit.run()
        rows = events(kit.index_dir)
        assert rows[-1]["outcome"] == outcome
        assert bool(of(rows, "error")) == (outcome == "failed")


def test_a_stop_is_in_the_log(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 30)
    stop = threading.Event()
    kit.vision = FakeVision(lambda request: stop.set() or "a wall")
    kit.run(stop=stop)
    rows = events(kit.index_dir)
    assert len(of(rows, "stop_asked")) == 1
    assert [row["video"] for row in of(rows, "video_left")] == ["a.mp4"]
    assert rows[-1]["outcome"] == "stopped"


def test_the_last_logs_are_kept(kit: Any, counter: Callable[..., Path]) -> None:
    logs = kit.index_dir / "logs"
    logs.mkdir(parents=True)
    for n in range(KEPT + 5):
        (logs / f"20200101T0000{n:02}.000000Z-1.jsonl").write_text("{}\n")
    (logs / "notes of mine.txt").write_text("stay")
    counter("a.mp4", 3)
    kit.run()
    names = sorted(path.name for path in logs.glob("*.jsonl"))
    assert len(names) == KEPT
    assert names[0] == "20200101T000006.000000Z-1.jsonl"
    assert (logs / "notes of mine.txt").exists()


@pytest.mark.parametrize("where", ["folder", "write", "torn"])
def test_a_log_that_cannot_be_written_stops_nothing(
    kit: Any,
    counter: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    counter("a.mp4", 20)
    if where == "folder":
        kit.index_dir.mkdir()
        (kit.index_dir / "logs").write_text("a file, no folder")
    else:
        write = os.write

        def full(fd: int, raw: bytes) -> int:
            if b'"event"' not in raw:
                return write(fd, raw)
            if where == "torn":
                return write(fd, raw[:3])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(runlog.os, "write", full)
    assert kit.run().indexed == 1
    told = [record.getMessage() for record in caplog.records if "cannot be written" in record.getMessage()]
    assert len(told) == 1


def test_the_heartbeat_tells_how_far_it_is(tmp_path: Path, until: Any) -> None:
    with RunLog(tmp_path, "index", beat_s=0.02) as log:
        progress = log.progress
        log.start({}, {})
        progress.start(3, 100.0)
        log.begin("a.mp4")
        log.begin("a.mp4")
        progress.advance(25.0, videos=1, clips=6)
        progress.message("hello")
        until(lambda: any(beat["current"] for beat in of(events(tmp_path), "heartbeat") if beat["clips"]))
        progress.finish()
    rows = events(tmp_path)
    beat = of(rows, "heartbeat")[-1]
    assert (beat["videos"], beat["videos_total"], beat["clips"], beat["done"], beat["total"]) == (1, 3, 6, 25, 100)
    assert beat["current"] == ["a.mp4"]
    assert beat["rate"] > 0
    assert beat["eta_s"] == pytest.approx(75 / beat["rate"], rel=0.05, abs=0.1)
    assert beat["rss_bytes"] > 1_000_000
    assert len(of(rows, "video_begun")) == 1
    assert not [t for t in threading.enumerate() if t.name == "lvqa-heartbeat"]


def test_memory_of_the_gpu_is_told_where_torch_uses_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cuda:
        is_initialized = staticmethod(lambda: True)
        memory_allocated = staticmethod(lambda: 5)
        memory_reserved = staticmethod(lambda: 7)

    class Torch:
        cuda = Cuda

    monkeypatch.setitem(runlog.sys.modules, "torch", Torch)
    assert runlog._memory() | {"rss_bytes": 0} == {"rss_bytes": 0, "gpu_bytes": 5, "gpu_reserved_bytes": 7}
    monkeypatch.setattr(Cuda, "memory_reserved", staticmethod(lambda: 1 / 0))
    assert "gpu_reserved_bytes" not in runlog._memory()


def test_warnings_reach_the_log_and_whoever_listens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("lvqa.models")
    with RunLog(tmp_path, "index"):
        logger.warning("half as many", extra={"event": "halved", "told": {"batch": 4}})
        try:
            raise ValueError("inside")
        except ValueError:
            logger.exception("went wrong")
        logger.info("not for the log")
    logger.warning("after the run")
    rows = events(tmp_path)
    assert [row["event"] for row in rows] == ["halved", "error", "end"]
    assert rows[0]["batch"] == 4
    assert "ValueError: inside" in rows[1]["traceback"]
    assert [r.getMessage() for r in caplog.records] == ["half as many", "went wrong", "after the run"]


def test_where_nobody_listens_warnings_still_reach_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As in a process without logging set up; pytest's own handlers sit on the root.
    monkeypatch.setattr(logging.getLogger("lvqa"), "propagate", False)
    with RunLog(tmp_path, "index"):
        logging.getLogger("lvqa.models").warning("look out")
    assert "look out" in capsys.readouterr().err


def test_an_import_has_a_log_too(kit: Any, tmp_path: Path) -> None:
    lines = tmp_path / "c.jsonl"
    lines.write_text('{"video": "a", "start_s": 0, "end_s": 1, "text": "a kite"}\n')
    with kit.store(write=True) as store:
        import_captions(lines, kit.folder, store, None)
        rows = events(kit.index_dir)
        assert [row["event"] for row in rows] == ["start", "plan", "batch", "video_done", "end"]
        assert rows[0]["call"] == "import"
        lines.write_text("no JSON\n")
        with pytest.raises(UsageError):
            import_captions(lines, kit.folder, store, None)
    assert events(kit.index_dir)[-1]["outcome"] == "failed"


def write_log(index_dir: Path, *rows: dict[str, Any], age_s: float = 1.0, torn: str = "") -> Path:
    logs = index_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    path = logs / "20260101T000000.000000Z-1.jsonl"
    at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    path.write_text("".join(json.dumps({"time": at, **row}) + "\n" for row in rows) + torn)
    return path


START = {"event": "start", "call": "index", "pid": os.getpid(), "host": socket.gethostname()}
PLAN = {"event": "plan", "videos": 10}
BEAT = {"event": "heartbeat", "phase": "videos", "eta_s": 12.5, "current": ["b.mp4"], "videos": 3}


def test_a_run_under_way_is_read_from_its_log(tmp_path: Path) -> None:
    done = {"event": "video_done", "video": "a.mp4"}
    failed = {"event": "video_failed", "video": "c.mp4", "reason": "bad"}
    write_log(tmp_path, START, PLAN, done, failed, BEAT, torn='{"event": "ba')
    run = find_run(tmp_path)
    assert run is not None
    assert (run.pid, run.videos, run.videos_total, run.phase, run.eta_s) == (os.getpid(), 2, 10, "videos", 12.5)
    assert run.current == ("b.mp4",)
    assert 0 <= run.quiet_s < 30
    assert not run.silent
    assert run.to_dict()["silent"] is False


def test_a_run_that_gives_no_sign_of_life_is_told_as_such(tmp_path: Path) -> None:
    write_log(tmp_path, START, PLAN, age_s=720)
    run = find_run(tmp_path)
    assert run is not None
    assert run.silent
    assert run.quiet_s == pytest.approx(720, abs=5)


@pytest.mark.parametrize(
    "rows",
    [
        [START, {"event": "end", "outcome": "done"}],
        [START | {"pid": 2**22 + 1}],  # above the highest process id there is: killed
        [START | {"pid": "x"}],
        [{"event": "plan"}],
        [],
    ],
)
def test_there_is_no_run_where_its_log_says_so(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    write_log(tmp_path, *rows)
    assert find_run(tmp_path) is None


def test_a_run_on_another_host_is_judged_by_its_heartbeat(tmp_path: Path) -> None:
    write_log(tmp_path, START | {"pid": 2**22 + 1, "host": "elsewhere"})
    run = find_run(tmp_path)
    assert run is not None
    assert (run.host, run.phase) == ("elsewhere", "planning")
    assert find_run(tmp_path / "nothing") is None


def test_a_process_of_somebody_else_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(holder.os, "kill", refused)
    write_log(tmp_path, START)
    assert find_run(tmp_path) is not None


def test_a_dead_run_is_not_under_way_where_its_number_is_in_use_again(tmp_path: Path) -> None:
    """A run that was killed, and whose number another process has now: this one, which started at another time."""
    me = {"started": holder.started(os.getpid()), "space": holder.pid_space()}
    write_log(tmp_path, START | me, PLAN, BEAT)
    assert find_run(tmp_path) is not None
    write_log(tmp_path, START | me | {"started": "another boot:12345"}, PLAN, BEAT)
    assert find_run(tmp_path) is None


def test_a_run_in_another_container_is_judged_by_its_heartbeat(tmp_path: Path) -> None:
    write_log(tmp_path, START | {"pid": 2**22 + 1, "started": "x", "space": "pid:[1]"}, age_s=720)
    run = find_run(tmp_path)
    assert run is not None
    assert run.silent


def test_a_run_writes_down_which_process_it_is(tmp_path: Path) -> None:
    with RunLog(tmp_path, "index") as log:
        log.start({}, {})
        run = find_run(tmp_path)
        assert run is not None
        assert (run.pid, run.host) == (os.getpid(), socket.gethostname())
        (start,) = events(tmp_path)
    assert (start["started"], start["space"]) == (holder.started(os.getpid()), holder.pid_space())


def test_a_log_that_cannot_be_read_tells_of_no_run(tmp_path: Path) -> None:
    write_log(tmp_path, START).unlink()
    (tmp_path / "logs" / "20260101T000000.000000Z-1.jsonl").mkdir()
    assert find_run(tmp_path) is None
