"""Whatever lies in the folder: one clear line for each bad file, the right exit status, and nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lvqa.eval.lab.footage_writer import write_video

MakeVideo = Callable[..., Path]


def audio_only(path: Path) -> None:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for start in range(0, 16000, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def truncated(path: Path, make_video: MakeVideo) -> None:
    data = make_video(path.with_name("whole.mp4"), "a", "b").read_bytes()
    path.with_name("whole.mp4").unlink()
    path.write_bytes(data[: len(data) // 3])


def search(lvqa, folder: Path, query: str, *light: str) -> list[dict]:
    done = lvqa("search", folder, query, "--json", *light)
    assert done.status == 0, done.err
    return done.json


def notes_of(lvqa, folder: Path) -> list:
    videos = [v["video"] for v in lvqa("videos", folder, "--json").json]
    return [lvqa("show", folder, name, "--json").json["notes"] for name in videos]


@pytest.fixture
def bad_file(request: pytest.FixtureRequest, folder: Path, make_video: MakeVideo) -> Path:
    path = folder / "bad.mp4"
    match request.param:
        case "empty":
            path.touch()
        case "text":
            path.write_text("this is a letter, not a film\n" * 50)
        case "truncated":
            truncated(path, make_video)
        case "audio only":
            audio_only(path)
        case "dangling link":
            path.symlink_to("nowhere.mp4")
        case "zeros":
            path.write_bytes(bytes(5000))
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    "bad_file", ["empty", "text", "truncated", "audio only", "dangling link", "zeros"], indirect=True
)
def test_a_bad_file_is_one_line_and_the_rest_is_indexed(bad_file: Path, folder: Path, lvqa, light) -> None:
    done = lvqa("index", folder, *light)
    assert done.status == 3
    complaints = [line for line in done.err.splitlines() if "bad.mp4" in line]
    assert len(complaints) == 1, done.err
    assert complaints[0].startswith("lvqa: bad.mp4: ")
    assert "Traceback" not in done.err
    assert search(lvqa, folder, "carton of milk", *light)[0]["video"] == "kitchen.mp4"
    status = lvqa("status", folder, "--json").json
    assert status["videos"] == {"indexed": 2, "failed": 1, "pending": 0}
    assert [f["video"] for f in status["failures"]] == ["bad.mp4"]
    assert lvqa("index", folder, *light).status == 3  # still there, still said
    bad_file.unlink()
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("status", folder, "--json").json["videos"]["failed"] == 0


@pytest.mark.parametrize("bad_file", ["fifo", "directory"], indirect=True)
def test_what_is_no_file_never_hangs_the_run(bad_file: Path, folder: Path, lvqa, light) -> None:
    done = lvqa("index", folder, *light)
    assert done.status in (0, 3)
    assert lvqa("status", folder, "--json").json["videos"]["indexed"] == 2


def test_a_mended_file_is_taken_in(folder: Path, make_video: MakeVideo, lvqa, light) -> None:
    (folder / "late.mp4").write_bytes(b"not yet")
    assert lvqa("index", folder, *light).status == 3
    make_video(folder / "late.mp4", "x", said=[(0, 1, "Here I am at last.")])
    assert lvqa("index", folder, *light).status == 0
    assert search(lvqa, folder, "at last", *light)[0]["video"] == "late.mp4"


def test_a_folder_with_only_bad_files(tmp_path: Path, lvqa, light) -> None:
    (tmp_path / "a.mp4").touch()
    assert lvqa("index", tmp_path, *light).status == 3
    done = lvqa("ask", tmp_path, "Why?", *light)
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert "holds no videos" in done.err


@pytest.mark.parametrize("content", ["", "notes.txt", "deep/er/readme.md"])
def test_a_folder_without_videos_is_a_usage_error(tmp_path: Path, content: str, lvqa, light) -> None:
    if content:
        (tmp_path / content).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / content).write_text("hello")
    done = lvqa("index", tmp_path, *light)
    assert (done.status, done.err) == (
        2, f"lvqa: error: there are no videos below {tmp_path}; name the folder that holds them\n",
    )  # fmt: skip
    assert not (tmp_path / ".lvqa").exists()


def test_a_file_instead_of_a_folder(folder: Path, lvqa, light) -> None:
    done = lvqa("index", folder / "kitchen.mp4", *light)
    assert done.status == 2
    assert str(folder) in done.err


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        'it\'s "quoted"',
        "new\nline",
        "emoji 🎬 日本",
        "-dash",
        "%s{}",
        "back\\slash",
        "\x1b[31mred",
        "#1? a&b=c",
    ],
)
def test_odd_names(tmp_path: Path, name: str, make_video: MakeVideo, lvqa, light) -> None:
    name += ".mp4"
    make_video(tmp_path / name, "x", "y", said=[(0, 2, "A zebra crosses the road.")])
    assert lvqa("index", tmp_path, *light).status == 0
    (hit,) = search(lvqa, tmp_path, "zebra", *light)
    assert hit["video"] == name
    assert lvqa("show", tmp_path, "--json", "--", name).json["video"]["video"] == name
    shown = lvqa("videos", tmp_path).out
    assert len(shown.splitlines()) == 1
    assert search(lvqa, tmp_path, "zebra", "--video", name, *light) == [hit]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such name")
def test_a_name_that_is_no_utf8(folder: Path, make_video: MakeVideo, lvqa, light) -> None:
    make_video(folder / "odd.mp4", "x").rename(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.mp4"))
    done = lvqa("index", folder, *light)
    assert done.status in (0, 3)
    assert "Traceback" not in done.err
    assert search(lvqa, folder, "carton of milk", *light)[0]["video"] == "kitchen.mp4"
    assert lvqa("videos", folder).status == 0
    assert lvqa("videos", folder, "--json").status == 0


def test_symlink_loops_end(folder: Path, lvqa, light) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "self.mp4").symlink_to("self.mp4")
    done = lvqa("index", folder, *light)
    assert done.status in (0, 3)  # self.mp4 can be said to be unreadable; the folders cannot
    assert lvqa("status", folder, "--json").json["videos"]["indexed"] == 2


def test_two_copies_are_indexed_once_and_one_may_go(folder: Path, lvqa, light) -> None:
    (folder / "copies").mkdir()
    copy = folder / "copies" / "kitchen again.mp4"
    for suffix in (".mp4", ".srt"):
        copy.with_suffix(suffix).write_bytes((folder / "kitchen").with_suffix(suffix).read_bytes())
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("status", folder, "--json").json["videos"]["indexed"] == 2
    assert len(search(lvqa, folder, "carton of milk", "-k", "1", *light)) == 1
    (folder / "kitchen.mp4").unlink()
    assert lvqa("index", folder, *light).status == 0
    assert search(lvqa, folder, "carton of milk", "-k", "1", *light)[0]["video"] == "copies/kitchen again.mp4"


def test_a_file_that_is_replaced_between_runs(folder: Path, make_video: MakeVideo, lvqa, light) -> None:
    assert lvqa("index", folder, *light).status == 0
    make_video(folder / "garden.mp4", "new", "film", said=[(0, 2, "A submarine surfaces.")])
    assert lvqa("index", folder, *light).status == 0
    assert search(lvqa, folder, "submarine", *light)[0]["video"] == "garden.mp4"
    assert not [h for h in search(lvqa, folder, "the dog digs up a bone", *light) if "bone" in h["text"]]


def test_a_file_that_grows_while_it_is_indexed(folder: Path, make_video: MakeVideo, lvqa, light) -> None:
    growing = folder / "growing.mp4"
    data = make_video(folder / "tmp.mp4", "a", "b").read_bytes()
    (folder / "tmp.mp4").unlink()
    growing.write_bytes(data[: len(data) // 2])
    stop, grown = threading.Event(), threading.Event()

    def grow() -> None:
        while not stop.wait(0.005):  # so that it does not grow by gigabytes
            with growing.open("ab") as file:
                file.write(b"\0" * 1000)
            grown.set()

    writer = threading.Thread(target=grow)
    writer.start()
    grown.wait()
    try:
        done = lvqa("index", folder, *light)
    finally:
        stop.set()
        writer.join()
    assert done.status == 3
    assert "Traceback" not in done.err
    growing.write_bytes(data)
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("status", folder, "--json").json["videos"] == {"indexed": 3, "failed": 0, "pending": 0}


def test_garbage_subtitles_do_not_lose_the_video(folder: Path, lvqa, light) -> None:
    (folder / "garden.srt").write_bytes(b"\x00\x01\xff" * 100)
    done = lvqa("index", folder, *light)
    assert done.status in (0, 3)
    assert "garden" in done.err
    assert search(lvqa, folder, "carton of milk", *light)[0]["video"] == "kitchen.mp4"


def test_a_model_that_cannot_be_found(folder: Path, lvqa, light) -> None:
    assert lvqa("index", folder, *light).status == 0
    before = notes_of(lvqa, folder)
    from real import real_models

    with real_models(allowed=True):
        done = lvqa("index", folder, *light, "--vision", "hf:no/such")
    assert done.status == 1
    assert "no/such" in done.err
    assert done.err.splitlines()[-1].startswith("lvqa: error: ")
    assert "Traceback" not in done.err
    assert notes_of(lvqa, folder) == before
    assert search(lvqa, folder, "carton of milk", *light)


@pytest.mark.parametrize("spec", ["hf", "magic:wand", "hf:", "nonesuch"])
def test_a_model_spec_that_says_nothing(folder: Path, spec: str, lvqa, light) -> None:
    done = lvqa("index", folder, *light, "--vision", spec)
    assert done.status in (1, 2)
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("lvqa: error: ")


def test_an_index_in_a_place_that_cannot_be_written(folder: Path, tmp_path: Path, lvqa, light) -> None:
    (tmp_path / "file").touch()
    done = lvqa("index", folder, "--archive", tmp_path / "file" / "index", *light)
    assert (done.status, len(done.err.splitlines())) == (1, 1)
    assert "--archive" in done.err


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that even root cannot write")
def test_a_read_only_folder_names_the_way_out(tmp_path: Path, lvqa, light, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lvqa.media.find_videos", lambda folder: [folder / "a.mp4"])
    done = lvqa("index", "/proc/self", *light)
    assert (done.status, len(done.err.splitlines())) == (1, 1)
    assert "--archive DIR" in done.err


def test_permissions(open_place: Path, make_video: MakeVideo, light) -> None:
    """As a user who may neither read one file nor write the folder; root is let in everywhere, so it steps down."""
    folder, index, warm = (open_place / name for name in ("videos", "index", "warm"))
    make_video(folder / "kitchen.mp4", "x")
    make_video(folder / "garden.mp4", "y").chmod(0)
    make_video(warm / "a.mp4", "x")
    folder.chmod(0o555)
    index.mkdir()
    index.chmod(0o777)

    def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
        # A first run imports all that is needed: the interpreter may lie where only root may read. It begins anew each
        # time, since what is indexed already opens no video.
        shutil.rmtree(warm / ".lvqa", ignore_errors=True)
        program = (
            "import os, sys\n"
            "from lvqa.cli import main\n"
            f"main(['index', {str(warm)!r}, *{light!r}]); main(['status', {str(warm / 'no')!r}])\n"
            "print('---', file=sys.stderr, flush=True)\n"
            "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "sys.exit(main(sys.argv[1:]))\n"
        )
        command = [sys.executable, "-c", program, *map(str, argv)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        done.stderr = done.stderr.split("---\n")[1]
        return done

    done = run("index", folder, *light)
    assert done.returncode == 1, done.stderr
    assert "--archive DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = run("index", folder, "--archive", index, *light)
    assert done.returncode == 3, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "garden.mp4" in line]
    assert "ermission" in line
    folder.chmod(0o755)
    (folder / "garden.mp4").chmod(0o644)


def test_a_full_disk_loses_nothing(folder: Path, make_video: MakeVideo, lvqa, light) -> None:
    assert lvqa("index", folder, *light).status == 0
    before = notes_of(lvqa, folder)
    size = (folder / ".lvqa" / "archive.db").stat().st_size
    for n in range(6):
        said = [(i / 20, (i + 1) / 20, f"word{n}x{i} " * 200) for i in range(40)]
        make_video(folder / f"z{n}.mp4", f"{n}", said=said)

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, size + 8192))

    command = [sys.executable, "-B", "-m", "lvqa.cli", "index", str(folder), *light]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=no_room, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("lvqa: error: ")]
    assert len(errors) == 1
    assert "space" in errors[0] or "full" in errors[0]
    kept = [notes for notes in notes_of(lvqa, folder) if notes in before]
    assert kept == before
    assert lvqa("index", folder, *light).status == 0  # with room again
    assert lvqa("status", folder, "--json").json["videos"] == {"indexed": 8, "failed": 0, "pending": 0}


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[1, 2]",
        '{"video": "a.mp4", "start_s": 0, "end_s": 1}',
        '{"video": "a.mp4", "start_s": 2, "end_s": 1, "text": "x"}',
        '{"video": "a.mp4", "start_s": -1, "end_s": 1, "text": "x"}',
        '{"video": "", "start_s": 0, "end_s": 1, "text": "x"}',
        '{"video": "a.mp4", "start_s": "0", "end_s": null, "text": "x"}',
        '{"video": "a.mp4", "start_s": NaN, "end_s": 1, "text": "x"}',
        '{"video": "../../etc/passwd", "start_s": 0, "end_s": 1, "text": 5}',
    ],
)
def test_malformed_captions_name_the_line_and_import_nothing(tmp_path: Path, line: str, lvqa, light) -> None:
    captions = tmp_path / "captions.jsonl"
    captions.write_text(json.dumps({"video": "a.mp4", "start_s": 0, "end_s": 1, "text": "fine"}) + "\n" + line + "\n")
    done = lvqa("import", tmp_path, captions, *light)
    assert done.status in (1, 2)
    assert done.err.startswith("lvqa: error: ")
    assert len(done.err.splitlines()) == 1
    assert "2" in done.err
    done = lvqa("status", tmp_path, "--json")
    assert done.status == 2 or done.json["notes"] == 0


def test_a_damaged_index_says_so(folder: Path, lvqa, light) -> None:
    assert lvqa("index", folder, *light).status == 0
    for extra in (folder / ".lvqa").glob("archive.db-*"):
        extra.unlink()
    (folder / ".lvqa" / "archive.db").write_bytes(b"this is no database at all" * 400)
    for command in (("status", folder), ("search", folder, "milk", *light), ("index", folder, *light)):
        done = lvqa(*command)
        assert (done.status, len(done.err.splitlines())) == (1, 1), done.err
        assert "damaged" in done.err


def test_two_indexers_do_not_mix(folder: Path, lvqa, light) -> None:
    from lvqa.store import Store

    with Store.open(folder / ".lvqa", write=True):
        done = lvqa("index", folder, *light)
    assert (done.status, len(done.err.splitlines())) == (1, 1)
    assert str(os.getpid()) in done.err
    assert lvqa("index", folder, *light).status == 0


def test_a_bad_settings_file_names_itself(folder: Path, lvqa, light) -> None:
    (folder / ".lvqa").mkdir()
    (folder / ".lvqa" / "settings.toml").write_text("sample_fps = = 2")
    done = lvqa("index", folder, *light)
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert "settings.toml" in done.err


def test_a_video_of_one_frame(tmp_path: Path, lvqa, light) -> None:
    import numpy as np

    write_video(tmp_path / "one.mp4", [np.zeros((64, 64, 3), np.uint8)], fps=10)
    assert lvqa("index", tmp_path, *light).status == 0
    assert lvqa("status", tmp_path, "--json").json["videos"]["indexed"] == 1
