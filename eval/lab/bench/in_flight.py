"""Requests in flight at a server that answers after 200 ms: how many, how much faster than an older state, and faults.

`python -m lvqa.eval.lab.bench.in_flight [--before CHECKOUT] [--skip PART ...]`. Every index is made by `lvqa index` in
a process of its own, from this checkout or the other, with a stand-in in another (`lvqa.eval.lab.standin_loop`).

    model   the vision model alone, asked by as many threads as it wants; where a request takes this process more CPU
            than "needed ms a clip", that is the bound, and what it waits for is not the server
    index   a whole run, and the same with CHECKOUT
    faults  429 for a while, 5 % 503, a restart in the middle: failed videos, clips captioned twice
    away    gone for longer than patience_s: halted, exit status 1, and resumed
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.errors import LvqaError
from lvqa.eval.lab.bench.footage import make
from lvqa.eval.lab.bench.outcome import BenchOutcome

BOUND = 3.0
LATENCY_S = 0.2
IN_FLIGHT = 64
VIDEOS, SECONDS, FPS, SIZE = 16, 40, 4, (320, 180)
BUSY_S = 30.0
PARTS = ("model", "index", "faults", "away")
HERE = Path(__file__).resolve().parents[3]
# A clip a second, and nothing but captions.
OPTIONS = ("--profile", "text", "--ocr", "none", "--asr", "none", "--embedder", "none", "--image-embedder", "none")
CLIPS = ("clip_max_s=1", "sample_fps=2", "summaries=none", "workers=2")


@dataclass
class Standin:
    """A server that can be ended and started again at its port."""

    log: Path
    latency_s: float = LATENCY_S
    refused: float = 0.0
    port: int = 0
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, or start again; returns when it listens."""
        command = [sys.executable, "-m", "lvqa.eval.lab.standin_loop", "--log", str(self.log), "--port", str(self.port)]
        command += ["--latency", str(self.latency_s), "--refused", str(self.refused)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE, env=_environment(HERE))
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def end(self) -> None:
        """End it, with all that is in flight."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def busy(self, seconds: float) -> None:
        """Let it answer 429 for so long."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/busy?s={seconds}", method="POST")
        urllib.request.urlopen(request).read()  # noqa: S310

    def replies(self) -> list[tuple[float, str, float]]:
        """When each reply was sent, what it answered, and how many requests were in flight before it."""
        rows = (line.split() for line in self.log.read_text().splitlines())
        return [(float(at), digest, float(mean)) for at, digest, mean in rows]

    def wait_for(self, replies: int) -> None:
        """Until it has sent so many."""
        while len(self.replies()) < replies:
            time.sleep(0.1)


@contextmanager
def standin(folder: Path, **more: Any) -> Iterator[Standin]:
    """A server that runs, and has ended behind the `with`."""
    server = Standin(folder / f"replies-{time.time_ns()}.log", **more)
    server.start()
    try:
        yield server
    finally:
        server.end()


def _environment(checkout: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LVQA_")}
    return {**kept, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}


def index(videos: Path, index_dir: Path, server: Standin, checkout: Path, *settings: str) -> subprocess.Popen[str]:
    """Begin `lvqa index` of a checkout."""
    options = [*OPTIONS, "--vision", f"openai:standin@http://127.0.0.1:{server.port}/v1", "--archive", str(index_dir)]
    for setting in (*CLIPS, *settings):
        options += ["--set", setting]
    command = [sys.executable, "-m", "lvqa.cli", "index", str(videos), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=checkout, env=_environment(checkout), stdout=pipe, stderr=pipe, text=True)


def figures(replies: Sequence[tuple[float, str, float]]) -> dict[str, Any]:
    """Replies a second and the mean in flight, from the first to the last and in the second half."""
    times = np.array([row[0] for row in replies])
    means = np.array([row[2] for row in replies])
    gaps = np.diff(times, prepend=times[0])
    second = times >= times[0] + np.ptp(times) / 2
    second &= times <= times[0] + 0.95 * np.ptp(times)
    twice = sum(n - 1 for n in Counter(row[1] for row in replies).values())
    return {
        "replies": len(replies),
        "a second": len(replies) / max(float(np.ptp(times)), 1e-9),
        "mean in flight": float((means * gaps).sum() / max(gaps.sum(), 1e-9)),
        "in the second half": float((means * gaps)[second].sum() / max(gaps[second].sum(), 1e-9)),
        "asked twice": twice,
    }


def model_alone(folder: Path, latency_s: float, size: tuple[int, int], clips: int) -> dict[str, Any]:
    """As many threads as the model wants, each with clips of four frames of its own, without decoding."""
    from lvqa.models import encoded, in_flight, replies_of
    from lvqa.models.base import VisionRequest
    from lvqa.models.registry import load_vision
    from lvqa.models.served.remote import Serving

    frames = np.random.default_rng(0).integers(0, 256, (8, size[1] // 16, size[0] // 16, 3), dtype=np.uint8)
    frames = frames.repeat(16, axis=1).repeat(16, axis=2)
    with standin(folder, latency_s=latency_s) as server:
        model = load_vision(f"openai:standin@http://127.0.0.1:{server.port}/v1", serving=Serving(in_flight=IN_FLIGHT))
        numbers = iter(range(clips))
        lock = threading.Lock()
        encoding = [0.0]

        def ask() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                request = VisionRequest([frames[(number + k) % 8] for k in range(4)], f"clip {number}", 96)
                began_s = time.thread_time()
                ready = encoded(model, request)
                encoding[0] += time.thread_time() - began_s
                replies_of(model, [ready])

        ask_some: list[threading.Thread] = []
        cpu_s, wall_s = time.process_time(), time.monotonic()
        while not ask_some or any(thread.is_alive() for thread in ask_some):
            while len([t for t in ask_some if t.is_alive()]) < in_flight(model).calls and len(ask_some) < 200:
                ask_some.append(threading.Thread(target=ask, daemon=True))
                ask_some[-1].start()
            time.sleep(0.05)
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
        return {
            **figures(server.replies()),
            "limit": model._chat.in_flight,  # type: ignore[attr-defined]
            "client's cores": cpu_s / wall_s,
            "CPU ms a clip": 1000 * cpu_s / clips,
            "of it JPEG": 1000 * encoding[0] / clips,
            "needed ms a clip": 1000 * latency_s / IN_FLIGHT,
        }


def whole_run(folder: Path, videos: Path, checkout: Path, *settings: str) -> dict[str, Any]:
    """One `lvqa index` from nothing."""
    with standin(folder) as server, tempfile.TemporaryDirectory() as index_dir:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = index(videos, Path(index_dir), server, checkout, *settings)
        _, err = run.communicate()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        replies = server.replies()
        if run.returncode or not replies:
            raise LvqaError(f"lvqa index of {checkout} ended with {run.returncode}: {err[-1000:]}")
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        wall_s = replies[-1][0] - replies[0][0]
        return {"status": run.returncode, **figures(replies), "CPU s": cpu_s, "s": wall_s, "said": err[-300:]}


def faults(folder: Path, videos: Path, busy_s: float) -> dict[str, Any]:
    """429 for a while, 5 % 503 all the time, and a restart, in one run."""
    with standin(folder, refused=0.05) as server, tempfile.TemporaryDirectory() as index_dir:
        run = index(videos, Path(index_dir), server, HERE, f"vision_in_flight={IN_FLIGHT}", "patience_s=120")
        server.wait_for(100)
        server.busy(busy_s)
        server.wait_for(300)
        server.end()
        time.sleep(2)
        server.start()
        _, err = run.communicate()
        return {"status": run.returncode, **figures(server.replies()), **state_of(Path(index_dir)), "said": err[-400:]}


def away(folder: Path, videos: Path) -> dict[str, Any]:
    """Gone for longer than patience: what the run says, what is kept, and what the next does."""
    with standin(folder) as server, tempfile.TemporaryDirectory() as index_dir:
        run = index(videos, Path(index_dir), server, HERE, "patience_s=5")
        server.wait_for(200)
        server.end()
        gone_s = time.monotonic()
        _, err = run.communicate()
        halted = {"status": run.returncode, "s until halted": time.monotonic() - gone_s, "said": err[-400:]}
        halted |= state_of(Path(index_dir))
        server.start()
        again = index(videos, Path(index_dir), server, HERE)
        again.communicate()
        resumed = {"status": again.returncode, **figures(server.replies()), **state_of(Path(index_dir))}
        return {"halted": halted, "resumed": resumed}


def state_of(index_dir: Path) -> dict[str, Any]:
    """The jobs of an index by status, and its captions."""
    from lvqa.store import Filter, Store

    with Store.open(index_dir) as store:
        jobs = Counter(job.status for job in store.jobs.all())
        captions = store.notes.select(Filter(sources=frozenset({"caption"})))
        return {"jobs": dict(jobs), "captions": len(captions), "clips": store.counts()["clips"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the outcome as JSON: replies a second over those of the other checkout, or over four a latency."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.lab.bench.in_flight")
    parser.add_argument("--before", type=Path, help="a checkout to compare with")
    parser.add_argument("--skip", nargs="*", default=[], choices=PARTS)
    options = parser.parse_args(arguments)
    facts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="lvqa-in-flight-") as name:
        folder, videos = Path(name), Path(name) / "videos"
        videos.mkdir()
        for number in range(VIDEOS):
            make(videos / f"{number}.mp4", SECONDS, FPS, SIZE, shot_s=1000, seed=number)
        if "model" not in options.skip:
            facts["model alone"] = model_alone(folder, LATENCY_S, (160, 96), 1500)
            facts["model alone, 768x432"] = model_alone(folder, LATENCY_S, (768, 432), 500)
            facts["model alone, 1 s"] = model_alone(folder, 1.0, (160, 96), 1500)
        before = 4 / LATENCY_S
        if "index" not in options.skip:
            facts["index"] = whole_run(folder, videos, HERE, f"vision_in_flight={IN_FLIGHT}")
            if options.before:
                facts["index, before"] = whole_run(folder, videos, options.before)
                before = facts["index, before"]["a second"]
        if "faults" not in options.skip:
            facts["faults"] = faults(folder, videos, BUSY_S)
        if "away" not in options.skip:
            facts["away"] = away(folder, videos)
    value = facts["index"]["a second"] / before if "index" in facts else 0.0
    what = "clips captioned a second with 64 in flight, over those of the state before"
    print(json.dumps(BenchOutcome("in_flight", what, value, BOUND, "at least", facts=facts).to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
