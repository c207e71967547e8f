"""Reading screen text in several processes, each with an engine of one thread.

Each is `python -m lvqa.models.ocr NAME`, which reads pickled frames from stdin and answers with pickled lines on stdout
until stdin ends, which it does when whoever started it is gone, however that ended. Both ends are lvqa's own.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            if worker is not None:
                worker.end()
                worker = None
            raise ModelError(f"the process that reads screen text ended ({error or 'without a word'})") from error
        finally:
            self._idle.put(worker)
        if isinstance(found, Exception):
            raise found
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

    def ask(self, frame: Frame) -> list[TextLine] | ModelError:
        """The lines of a frame. Raises OSError, EOFError, UnpicklingError where the process is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump(frame, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()
        answer: list[TextLine] | ModelError = pickle.load(self._process.stdout)  # noqa: S301
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_S)


def serve(read: Callable[[Frame], list[TextLine]]) -> None:
    """Be one of the processes: answer what comes on stdin, until it ends."""
    # What a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            frame: Frame = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        answer: list[TextLine] | ModelError
        try:
            answer = read(frame)
        except ModelError as error:
            answer = error
        except Exception as error:
            answer = ModelError(f"reading a frame failed unexpectedly ({type(error).__name__}: {error})")
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()
