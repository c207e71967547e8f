"""Reading screen text in several processes, each with an engine of one thread.

Each is `python -m lvqa.models.ocr NAME`. It reads frames from stdin, a JSON line with the shape and then the bytes, and
answers with a JSON line each on stdout, until stdin ends, which it does when whoever started it is gone, however that
ended.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.errors import ModelError
from lvqa.models.base import Frame
from lvqa.models.text_lines import TextLine, rows_of

_MODULE = "lvqa.models.ocr"
_CLOSE_S = 5.0


class OcrPool:
    """A LineReader whose frames are read in several processes, started when there is something to read."""

    def __init__(self, name: str, processes: int) -> None:
        self.name = name
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(processes):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="lvqa-ocr")
        self._workers: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    def read(self, frames: Sequence[Frame]) -> list[str]:
        """The text of each frame, as `RapidReader.read`. Raises ModelError."""
        return ["\n".join(rows_of(lines)) for lines in self.read_lines(frames)]

    def read_lines(self, frames: Sequence[Frame]) -> list[list[TextLine]]:
        """The believed lines of each frame, with their places. Raises ModelError."""
        return list(self._threads.map(self._read, frames))

    def close(self) -> None:
        """End all processes; a frame that is being read is given up. A second call does nothing."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.end()
        self._threads.shutdown()

    def _read(self, frame: Frame) -> list[TextLine]:
        worker = self._idle.get()
        try:
            worker = worker or self._start()
            found = worker.ask(frame)
        except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
            if worker is not None:
                worker.end()
                worker = None
            raise ModelError(f"the process that reads screen text ended ({error or 'without a word'})") from error
        finally:
            self._idle.put(worker)
        if isinstance(found, str):
            raise ModelError(found)
        return found

    def _start(self) -> _Worker:
        with self._lock:
            if self._closed:
                raise ModelError("the processes that read screen text were ended")
            worker = _Worker(self.name)
            self._workers.add(worker)
            return worker


class _Worker:
    """One process, asked by one thread at a time."""

    def __init__(self, name: str) -> None:
        environment = dict(os.environ)
        # Where this lvqa lies, whatever the folder that the program was started in.
        places = [str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, places))
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # else the terminal's Ctrl-C would end it before the batch is finished
        )

    def ask(self, frame: Frame) -> list[TextLine] | str:
        """The lines of a frame, or what was wrong with reading it.

        Raises OSError, EOFError where the process is gone, ValueError, TypeError, KeyError for an answer that is none.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(frame.shape).encode() + b"\n")
        self._process.stdin.write(np.ascontiguousarray(frame).data.cast("B"))
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            return str(answer["failed"])
        return [TextLine(str(text), float(score), _box(*xyxy)) for text, score, xyxy in answer["lines"]]

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_S)


def _box(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return float(x0), float(y0), float(x1), float(y1)


def serve(read: Callable[[Frame], list[TextLine]]) -> None:
    """Be one of the processes: answer what comes on stdin, until it ends."""
    # What a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        if not (line := sys.stdin.buffer.readline()):
            return
        shape = tuple(map(int, json.loads(line)))
        data = bytearray(sys.stdin.buffer.read(math.prod(shape)))
        if len(data) < math.prod(shape):
            return
        frame: Frame = np.frombuffer(data, np.uint8).reshape(shape)
        answer: dict[str, Any]
        try:
            answer = {"lines": [(one.text, float(one.score), [*map(float, one.xyxy)]) for one in read(frame)]}
        except ModelError as error:
            answer = {"failed": str(error)}
        except Exception as error:
            answer = {"failed": f"reading a frame failed unexpectedly ({type(error).__name__}: {error})"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
