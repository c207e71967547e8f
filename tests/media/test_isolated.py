"""A child that crashes, hangs, eats memory or lies is one failed video; the parent goes on, and leaves none behind."""

from __future__ import annotations

import fcntl
import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from lvqa.errors import MediaError
from lvqa.media import (
    FrameReader,
    Limits,
    limits_in_use,
    probe,
    read_audio,
    read_subtitles,
    thumbnail,
    use_limits,
)
from lvqa.media.isolation import conversation, process
from lvqa.media.isolation.process import POOL
from lvqa.types import Span, clock_of

BAD = Path(__file__).with_name("bad_child.py")


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Each test starts without children, and ends without; a child that is only slow, on a busy machine, is kept."""
    monkeypatch.setattr(process, "_START_S", 1800.0)
    monkeypatch.setattr(process, "_STOP_S", 1800.0)
    monkeypatch.setattr(conversation, "_STOP_S", 1800.0)
    POOL.close()
    yield
    use_limits(None)
    gc.collect()
    POOL.close()
    assert _children() == []


@pytest.fixture
def bad(monkeypatch, footage, tmp_path):
    """Copies of a video by the name of what they make the child do."""
    usual = process.command
    monkeypatch.setattr(process, "command", lambda mb, end: [sys.executable, "-P", str(BAD), *usual(mb, end)[-2:]])
    use_limits(Limits(stall_s=20.0))

    def make(name):
        path = tmp_path / f"{name}.mp4"
        if not path.exists():
            shutil.copy(footage.kind("h264.mp4").path, path)
        return path

    return make


def _children():
    return [child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def _pids():
    return [child.pid for child in POOL._idle]


# -- one child is enough, and is used again


def test_a_child_is_used_again(footage):
    path = footage.kind("h264.mp4").path
    probe(path)
    before = _pids()
    with FrameReader(path) as reader:
        reader.at([1.0])
        list(reader.sample(2.0))
        thumbnail(path, 2.0)
    assert _pids() == before
    assert len(before) == 1


def test_a_reader_closed_half_way_leaves_a_child_that_goes_on(footage):
    kind = footage.kind("h264.mp4")
    with FrameReader(kind.path) as reader:
        frames = reader.sample(10.0)
        assert kind.number(next(frames).image) == 0
        frames.close()
        pid = _pids()
        assert kind.number(reader.at([4.0])[0].image) == 40
        assert _pids() == pid
        assert [kind.number(f.image) for f in reader.sample(2.0)] == list(range(0, 60, 5))
    # The file is let go of with the reader, not with the child.
    assert kind.path not in [Path(f.path) for f in psutil.Process(pid[0]).open_files()]


def test_two_readers_and_two_generators_at_once(footage):
    one, two = footage.kind("h264.mp4"), footage.kind("vp9.webm")
    with FrameReader(one.path) as a, FrameReader(two.path) as b:
        pairs = zip(a.sample(5.0), b.sample(5.0), a.sample(2.0), strict=False)
        numbers = [(one.number(x.image), two.number(y.image), one.number(z.image)) for x, y, z in pairs]
        assert one.number(a.at([0.5])[0].image) == 5
    assert numbers == [(2 * k, 2 * k, 5 * k) for k in range(len(numbers))]
    assert len(numbers) == 12


def test_a_generator_that_is_dropped_gives_its_child_back(footage):
    with FrameReader(footage.kind("h264.mp4").path) as reader:
        frames = reader.sample(10.0)
        next(frames)
        assert _pids() == []
        del frames
        gc.collect()
        assert len(_pids()) == 1


def test_more_readers_than_a_child_keeps_open(footage):
    kind = footage.kind("h264.mp4")
    readers = [FrameReader(kind.path) for _ in range(7)]
    for time_s in (1.0, 3.0):
        assert [kind.number(reader.at([time_s])[0].image) for reader in readers] == [round(10 * time_s)] * 7
    assert len(_pids()) == 1
    for reader in readers:
        reader.close()
        reader.close()


def test_readers_in_several_threads(footage):
    kinds = [footage.kind(name) for name in ("h264.mp4", "h264.mkv", "vp9.webm", "mpeg4.avi", "h264.ts", "hevc.mp4")]
    failures = []

    def read(kind):
        try:
            for _ in range(3):
                with FrameReader(kind.path) as reader:
                    assert [kind.number(f.image) for f in reader.sample(5.0)] == list(range(0, 60, 2))
                    assert kind.number(reader.at([2.05])[0].image) == 20
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(_pids()) <= 4


def test_frames_are_decoded_a_few_ahead_at_most(footage, until, monkeypatch):
    """Not more than fits into the pipe."""
    path = footage.make("long.mp4", frames=600, gop=60)
    taken, take = [], POOL.take
    monkeypatch.setattr(POOL, "take", lambda *args, **given: taken.append(take(*args, **given)) or taken[-1])
    with FrameReader(path) as reader:
        frames = reader.sample(10.0)
        frame = next(frames)
        (pid,) = _children()
        pipe = taken[-1]._answers
        full = fcntl.fcntl(pipe.fileno(), fcntl.F_GETPIPE_SZ) - frame.image.nbytes
        until(lambda: _waiting(pipe) > full)
        used = psutil.Process(pid).cpu_times().user
        time.sleep(0.3)  # in which it would go on; on a busy machine, less
        assert psutil.Process(pid).cpu_times().user - used < 0.05
        frames.close()


def _waiting(pipe):
    """How many bytes wait to be read."""
    return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


# -- what a child may do


@pytest.mark.parametrize("operation", ["probe", "open", "at", "sample", "subtitles", "audio"])
def test_a_crash_is_one_failed_video(bad, footage, operation):
    path = bad(f"crash-on-{operation}")

    def use():
        if operation == "probe":
            probe(path)
        elif operation == "subtitles":
            read_subtitles(path)
        elif operation == "audio":
            list(read_audio(path))
        else:
            with FrameReader(path) as reader:
                reader.at([1.0])
                list(reader.sample(2.0))

    with pytest.raises(MediaError, match=rf"{path.name} cannot be decoded.*crashed \(SIGSEGV\).*convert it"):
        use()
    assert probe(footage.kind("sound.mp4").path).has_audio


def test_a_crash_half_way_tells_where(bad):
    with FrameReader(bad("crash_later-on-sample")) as reader:
        frames = reader.sample(2.0)
        assert [next(frames).time_s for _ in range(3)] == [0.0, 0.5, 1.0]
        with pytest.raises(MediaError, match=r"at 00:00:01.*SIGABRT"):
            next(frames)


def test_what_ends_a_child_from_outside_is_not_the_videos_fault(footage):
    path = footage.kind("h264.mp4").path
    probe(path)
    (pid,) = _pids()
    os.kill(pid, signal.SIGKILL)
    psutil.Process(pid).wait()
    probe(path)
    # Also where it happens after the child was found alive, as it is unless the machine is very busy.
    (pid,) = _pids()
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    probe(path)
    assert _pids() != [pid]


def test_an_exit_is_told(bad):
    with pytest.raises(MediaError, match="ended with status 7"):
        probe(bad("leave"))


@pytest.mark.parametrize("deed", ["hang", "hang_holding", "beat_forever", "cut_short", "trickle", "half_frame"])
def test_a_hang_ends_within_the_limit(bad, footage, deed):
    path = bad(f"{deed}-on-sample")
    with FrameReader(path) as reader:
        use_limits(Limits(stall_s=0.8))
        object.__setattr__(reader.info, "duration_s", 0.05 if deed == "beat_forever" else 6.0)
        with pytest.raises(MediaError, match=r"took longer than 1 s to decode at 00:00:00.*convert it"):
            list(reader.sample(2.0))
    use_limits(None)
    assert probe(footage.kind("h264.mp4").path).duration_s == 6.0


def test_memory_is_limited(bad, footage):
    use_limits(Limits(memory_mb=700, stall_s=20))
    with pytest.raises(MediaError, match=r"needs more than 700 MB of memory.*decode_memory_mb"):
        probe(bad("eat"))
    assert _pids() == []
    assert probe(footage.kind("h264.mp4").path).width == 256


def test_what_goes_wrong_in_it_is_told_on_one_line(bad):
    with pytest.raises(MediaError) as told:
        probe(bad("stumble"))
    assert "OverflowError" in str(told.value)
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ("lie_header", "header of"),
        ("lie_huge", "header of"),
        ("lie_negative", "no JSON object"),
        ("lie_bytes", "no number of bytes"),
        ("lie_text_bytes", "no number of bytes"),
        ("lie_json", "no JSON object"),
        ("lie_deep", "no JSON object"),
        ("lie_list", "no JSON object"),
        ("lie_id", "another request"),
        ("lie_kind", "another request"),
        ("lie_none", "no information"),
        ("lie_width", "no such number as width"),
        ("lie_size", "no such number as height"),
        ("lie_length", "no such number as duration_s"),
        ("lie_languages", "languages that are none"),
        ("lie_few", "less than was asked for"),
    ],
)
def test_lies_about_a_video(bad, deed, why):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MediaError, match=f"sent .*{why}"):
        probe(bad(deed))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert _pids() == []


@pytest.mark.parametrize(
    ("deed", "why"),
    [("lie_frame", "bytes where"), ("lie_other", "another frame"), ("lie_pts", "pts_s"), ("lie_few", "less than")],
)
def test_lies_about_frames(bad, deed, why):
    with FrameReader(bad(f"{deed}-on-at")) as reader, pytest.raises(MediaError, match=f"sent .*{why}"):
        reader.at([0.0])
    assert _pids() == []


def test_nothing_is_unpickled(bad):
    path = bad("lie_pickle")
    with pytest.raises(MediaError, match=r"sent .*no JSON object"):
        probe(path)
    assert not Path(f"{path}.unpickled").exists()


def test_more_than_was_asked_for(bad):
    with pytest.raises(MediaError, match="more than was asked for"):
        # Two answers to a question that has one.
        probe(bad("lie_more"))


@pytest.mark.parametrize(
    ("deed", "why"),
    [("lie_cues", "more subtitles"), ("lie_cue", "subtitle that is none"), ("lie_told", "more problems")],
)
def test_lies_about_subtitles(bad, deed, why):
    with pytest.raises(MediaError, match=why):
        read_subtitles(bad(deed))


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ("lie_picture", "larger than any"),
        ("lie_picture_times", "subtitle that is none"),
        ("lie_picture_text", "subtitle that is none"),
    ],
)
def test_lies_about_pictures_of_subtitles(bad, deed, why):
    with pytest.raises(MediaError, match=why):
        read_subtitles(bad(deed), on_picture=lambda picture: None)


def test_lies_about_sound(bad):
    with pytest.raises(MediaError, match="no such number as count"):
        list(read_audio(bad("lie_audio")))


def test_what_it_says_went_wrong_is_one_line(bad):
    with pytest.raises(MediaError) as told:
        probe(bad("lie_text"))
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 9999
    with pytest.raises(MediaError, match="no reason given"):
        probe(bad("lie_error"))


def test_a_damaged_video_gets_a_child_of_its_own(footage, tmp_path):
    with FrameReader(footage.damaged(tmp_path)) as reader:
        list(reader.sample(10.0))
        assert _pids() == []
        assert footage.number(reader.at([0.0])[0].image) == 0


# -- what it gets and what is left of it


def test_it_gets_no_secrets_no_files_and_no_terminal(footage, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        probe(footage.kind("h264.mp4").path)
    (pid,) = _pids()
    child = psutil.Process(pid)
    assert not {"OPENAI_API_KEY", "PYTHONSTARTUP"} & set(child.environ())
    assert os.getsid(pid) == pid != os.getsid(0)
    assert [file.path for file in child.open_files()] == []
    limits = {name: resource.prlimit(pid, getattr(resource, f"RLIMIT_{name}")) for name in ("AS", "FSIZE", "CORE")}
    assert limits == {"AS": (4096 << 20,) * 2, "FSIZE": (0, 0), "CORE": (0, 0)}
    # An interrupt that reaches it all the same does nothing.
    os.kill(pid, signal.SIGINT)
    probe(footage.kind("h264.mp4").path)
    assert _pids() == [pid]


def test_a_module_beside_the_videos_is_not_taken_for_ours(footage, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)")
    (tmp_path / "lvqa.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert probe(footage.kind("h264.mp4").path).width == 256


PARENT = """
import importlib.util, sys, threading
from lvqa.media import FrameReader, probe
from lvqa.media.isolation import process
from pathlib import Path
usual = process.command
process.command = lambda mb, end: [sys.executable, "-P", sys.argv[1], *usual(mb, end)[-2:]]
probe(Path(sys.argv[3]))
probe(Path(sys.argv[3]))
threading.Thread(target=lambda: probe(Path(sys.argv[2])), daemon=True).start()
import psutil, signal, time
while not Path(sys.argv[2] + ".hangs").exists():
    time.sleep(0.005)
print(*[c.pid for c in psutil.Process().children()], flush=True)
signal.pause()
"""


def test_children_end_with_their_parent_however_it_ends(bad, spawn, until):
    """Even one that holds the interpreter, after the thread that started it is gone."""
    command = [sys.executable, "-c", PARENT, str(BAD), str(bad("hang_holding")), str(bad("good"))]
    parent = spawn(command, stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert pids
    assert all(psutil.pid_exists(pid) for pid in pids)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not any(_runs(pid) for pid in pids))


def _runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_outlives_the_thread_that_started_it(footage):
    path = footage.kind("h264.mp4").path
    thread = threading.Thread(target=probe, args=(path,))
    thread.start()
    thread.join()
    (pid,) = _pids()
    time.sleep(0.1)  # in which the kernel would end it with that thread
    probe(path)
    assert _pids() == [pid]


def test_a_forked_process_starts_its_own(footage):
    kind = footage.kind("h264.mp4")
    probe(kind.path)
    before = _pids()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            probe(kind.path)
            status = 0 if _pids() != before else 2
            POOL.close()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    probe(kind.path)
    assert _pids() == before


def test_a_child_that_cannot_be_started_is_told(footage, monkeypatch):
    path = footage.kind("h264.mp4").path
    for executable, why in (("/nowhere/python", "cannot be started"), ("", "where its own program is")):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", executable)
            with pytest.raises(MediaError, match=f"{why}.*LVQA_ISOLATE=0"):
                probe(path)
    for code in ("raise SystemExit(3)", "import time; print('hello' * 9, flush=True); time.sleep(9999)"):
        with monkeypatch.context() as patch:
            patch.setattr(process, "command", lambda mb, end, code=code: [sys.executable, "-c", code])
            with pytest.raises(MediaError, match="cannot be started"):
                probe(path)


def test_a_child_takes_so_many_videos_and_so_many_wait(footage, monkeypatch):
    path = footage.kind("h264.mp4").path
    monkeypatch.setattr(process, "_MOST_ASKED", 2)
    probe(path)
    probe(path)
    assert _pids() == []
    monkeypatch.setattr(process, "_MOST_IDLE", 1)
    with FrameReader(path) as one, FrameReader(path) as two:
        list(zip(one.sample(2.0), two.sample(2.0), strict=True))
    assert len(_pids()) <= 1


def test_a_child_that_does_not_listen_is_ended(footage, monkeypatch):
    """One in the middle of a long stretch between two frames, when its reader has seen enough."""
    path = footage.kind("h264.mp4").path
    with FrameReader(path) as reader:
        frames = reader.sample(10.0)
        next(frames)
        (pid,) = _children()
        monkeypatch.setattr(conversation, "_STOP_S", 0.1)
        os.kill(pid, signal.SIGSTOP)
        frames.close()
        assert _pids() == []
        reader.at([0.0])
        (pid,) = _pids()
        os.kill(pid, signal.SIGSTOP)
    assert _pids() == []


# -- limits


def test_without_isolation_no_process_is_started(footage):
    use_limits(Limits(isolate=False))
    path = footage.make("all.mkv", audio=True, subtitles=[(0.5, 2.0, "one"), (2.5, 4.0, "two")])
    with FrameReader(path) as reader:
        assert footage.number(reader.at([1.0])[0].image) == 10
        assert len(reader.span(Span(0.0, 1.0), 3)) == 3
        assert len(list(reader.sample(1.0))) == 7
    assert probe(path).has_audio
    assert len(read_subtitles(path)) == 2
    assert len(list(read_audio(path, chunk_s=2))) == 4
    assert thumbnail(path, 1.0)
    assert _children() == []


def test_the_usual_limits_heed_the_environment(monkeypatch):
    assert limits_in_use() == Limits()
    monkeypatch.setenv("LVQA_ISOLATE", "false")
    assert not limits_in_use().isolate
    use_limits(Limits(stall_s=5))
    assert limits_in_use() == Limits(stall_s=5)
    for wrong in ({"memory_mb": 0}, {"stall_s": 0}, {"stall_s": float("inf")}):
        with pytest.raises(ValueError, match="above zero"):
            Limits(**wrong)


def test_an_archive_sets_them(tmp_path):
    from lvqa import Archive

    Archive(tmp_path, isolate=False, decode_memory_mb=1000, decode_stall_s=7)
    assert limits_in_use() == Limits(False, 1000, 7)
    Archive(tmp_path)
    assert limits_in_use() == Limits()


def test_a_clock_that_steps_is_the_same_in_a_child(footage):
    from lvqa.media.decoding.in_process import InProcess

    path = Path(__file__).parent / "cases" / "joined_reset.ts"
    here = InProcess().open(path, None, "auto")
    with FrameReader(path) as reader:
        assert reader.info == here.info
        assert len(reader.info.clock) == 2
        times = [1.0, 9.0, 15.9]
        shown = zip(reader.at(times), here.rising(times), strict=True)
        assert all(np.array_equal(mine.image, right.image) for mine, right in shown)
        there = list(reader.sample(2))
    assert [frame.pts_s for frame in there] == [frame.pts_s for frame in here.sample(2, None)]
    known = clock_of([[0, 5, 0, None]])
    with FrameReader(footage.kind("start.ts").path, clock=known) as reader:
        assert reader.info.clock == known  # it is not looked up again
