"""Child processes that decode, as seen by whoever asks: started, waited for with patience, reused, and ended.

What a child says is not trusted: a file may have taken it over. Knows requests and answers, not what they mean.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path

from lvqa.errors import MediaError
from lvqa.media.isolation.watchdog import WATCHDOG
from lvqa.media.isolation.wire import MOST_HEADER_BYTES, Header, fill, pack, unpack

# Children that wait for the next video; more run at the same time where more are asked at the same time.
_MOST_IDLE = 4
# Videos that one child opens before another takes its place, so that no leak of a codec's adds up.
_MOST_ASKED = 500
_START_S = 60.0
_STOP_S = 0.5
_KILL_S = 5.0
_PIPE_BYTES = 1 << 20
_LONGEST_WAIT_S = 1e6  # more than which no call of the system's takes
_KEPT_OPEN = 4  # as `lvqa.media.isolation.child.MOST_OPEN`, which is not imported: it brings the decoder
# All that a child gets of the environment: no key, no token, and nothing that changes what Python runs.
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "LANG", "TZ")


class Stalled(Exception):
    """A child gave no sign of life for longer than it may, or took longer than it may in all."""


class Died(Exception):
    """A child ended by itself. `how` says it; `untried`: it said nothing to this request, and had served others."""

    def __init__(self, how: str, *, untried: bool) -> None:
        super().__init__(how)
        self.how = how
        self.untried = untried


class Lied(Exception):
    """A child sent what it should not."""


@dataclass(slots=True)
class Patience:
    """How long a request may be waited for: without any message, and in all. Only waiting counts."""

    stall_s: float
    whole_s: float

    @property
    def left_s(self) -> float:
        """How long to wait for the next message."""
        return min(self.stall_s, self.whole_s, _LONGEST_WAIT_S)


class Child:
    """One child process. Between `ask` and its last answer it belongs to whoever asked.

    Raises MediaError where it cannot be started.
    """

    def __init__(self, memory_mb: int) -> None:
        self.memory_mb = memory_mb
        self.open: OrderedDict[int, None] = OrderedDict()
        self.asked = 0
        self._heard = False
        self._left = 0
        self._overdue = False
        requests, self._requests = Pipe(duplex=False)
        self._answers, answers = Pipe(duplex=False)
        end, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                command(memory_mb, end),
                stdin=requests.fileno(),
                stdout=answers.fileno(),
                stderr=subprocess.DEVNULL,
                pass_fds=(end,),
                start_new_session=True,  # else the terminal's Ctrl-C would end it before the batch is finished
                env=_environment(),
            )
        except (OSError, ValueError) as error:
            self._close()
            raise _unstartable(str(error)) from error
        finally:
            requests.close()
            answers.close()
            os.close(end)
        _widen(self._answers.fileno())
        try:
            if self.receive(Patience(_START_S, _START_S))["kind"] != "ready":
                raise Lied("it says something else than that it is ready")
        except (Stalled, Died, Lied) as error:
            self.kill()
            raise _unstartable(str(error)) from error
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def opened(self, reader: int) -> None:
        """It is about to have a reader open, for which it closes the one that was used longest ago."""
        self.open[reader] = None
        self.open.move_to_end(reader)
        while len(self.open) > _KEPT_OPEN:
            self.open.popitem(last=False)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(self, request: Header, patience: Patience) -> None:
        """Send a request. Raises Stalled, Died."""
        self.asked += 1
        self._heard = False
        self._send({**request, "id": self.asked}, patience)

    def stop(self, patience: Patience) -> Header:
        """Take the request back; the last answer, once the child has heard. Raises Stalled, Died, Lied."""
        self._send({"op": "stop"}, patience)
        return self.last(patience)

    def last(self, patience: Patience) -> Header:
        """Pass over all answers but the last. Raises Stalled, Died, Lied."""
        while "clean" not in (answer := self.receive(patience)):
            pass
        return answer

    def receive(self, patience: Patience) -> Header:
        """The next message; bytes of the one before it that were not taken are passed over.

        Raises Stalled, Died, Lied.
        """
        with self._waiting(patience) as left_s:
            while self._left:
                self._fill(memoryview(bytearray(min(self._left, _PIPE_BYTES))))
            # Not the watchdog alone: a disk that hangs holds even the killed, and its pipe open.
            if not self._answers.poll(left_s):
                raise Stalled
            text = self._message()
        try:
            header = unpack(text)
        except ValueError as error:
            raise Lied("a header that is no JSON object") from error
        if header.get("id") != self.asked or not isinstance(header.get("kind"), str):
            raise Lied("an answer to another request")
        size = header.get("bytes", 0)
        if not isinstance(size, int) or size < 0:
            raise Lied("no number of bytes")
        self._left = size
        self._heard = True
        return header

    def take(self, room: memoryview, patience: Patience) -> None:
        """Fill `room` with all bytes of the last message. Raises Stalled, Died, and Lied where it is not their size."""
        if self._left != room.nbytes:
            raise Lied(f"{self._left} bytes where {room.nbytes} were due")
        with self._waiting(patience):
            self._fill(room)

    def kill(self) -> None:
        """End it now, whatever it does."""
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a disk that hangs holds even the killed
            self._process.wait(_KILL_S)
        self._close()

    def abandon(self) -> None:
        """Let go of a child that belongs to the process this one was forked from."""
        self._process.returncode = 0  # it is not this process's to wait for
        self._close()

    def _close(self) -> None:
        self._requests.close()
        self._answers.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _send(self, request: Header, patience: Patience) -> None:
        with self._waiting(patience):
            self._requests.send_bytes(pack(request))

    @contextlib.contextmanager
    def _waiting(self, patience: Patience) -> Iterator[float]:
        """The body waits for the child, for no longer than it gets as a number. Raises Stalled, Died."""
        started, left_s = time.monotonic(), patience.left_s
        if left_s <= 0:
            raise Stalled
        try:
            with WATCHDOG.within(left_s, self._end_overdue):
                yield left_s
        except (EOFError, OSError) as error:
            if self._overdue:
                raise Stalled from error
            raise self._died() from error
        finally:
            patience.whole_s -= time.monotonic() - started

    def _end_overdue(self) -> None:
        """Called from another thread, where a message does not end; what is read or written then ends by itself."""
        self._overdue = True
        with contextlib.suppress(OSError):
            self._process.kill()

    def _message(self) -> bytes:
        try:
            return self._answers.recv_bytes(MOST_HEADER_BYTES)
        except OSError as error:
            if self._answers.closed:  # as it is after a message that says that it is longer
                raise Lied(f"a header of more than {MOST_HEADER_BYTES} bytes") from error
            raise

    def _fill(self, room: memoryview) -> None:
        fill(self._answers, room)
        self._left -= room.nbytes

    def _died(self) -> Died:
        try:
            status = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return Died("closed its pipe", untried=False)
        return Died(_how(status), untried=not self._heard and self.asked > 1)


class Pool:
    """Children between requests. Thread-safe; each child that was taken is given back, or killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Child] = []

    def take(self, memory_mb: int, reader: int | None = None, *, fresh: bool = False) -> Child:
        """A child with that limit: the one that has the reader open, else any that waits, else a new one."""
        while not fresh:
            child = self._pop(lambda child: child.memory_mb == memory_mb and reader in child.open)
            child = child or self._pop(lambda child: child.memory_mb == memory_mb)
            if child is None:
                break
            if child.alive:
                return child
            child.kill()
        return Child(memory_mb)

    def give(self, child: Child) -> None:
        """Take a child back that has answered in full."""
        if child.asked < _MOST_ASKED:
            with self._lock:
                self._idle.append(child)
                if len(self._idle) <= _MOST_IDLE:
                    return
                child = self._idle.pop(0)
        child.kill()

    def holding(self, reader: int) -> Child | None:
        """Take the waiting child that has a reader open, if there is one."""
        return self._pop(lambda child: reader in child.open)

    def _pop(self, fits: Callable[[Child], bool]) -> Child | None:
        """Take the one used last of those that fit: the others may go."""
        with self._lock:
            child = next((child for child in reversed(self._idle) if fits(child)), None)
            if child is not None:
                self._idle.remove(child)
            return child

    def close(self) -> None:
        """End all that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.kill()

    def forget(self) -> None:
        """Leave them to the process that this one was forked from."""
        self._lock = threading.Lock()  # another thread may have held it
        idle, self._idle = self._idle, []
        for child in idle:
            child.abandon()


POOL = Pool()
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)


def command(memory_mb: int, lifeline: int) -> list[str]:
    """What is run. `-P`: a module that lies beside the videos is never taken for one of ours."""
    if not sys.executable:
        raise ValueError("Python does not know where its own program is")
    return [sys.executable, "-P", "-B", "-m", "lvqa.media.isolation.child", str(memory_mb), str(lifeline)]


def _environment() -> dict[str, str]:
    home = str(Path(__file__).parents[3])
    paths = [path for path in sys.path if path and Path(path).is_absolute() and path != home]
    kept = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT or name.startswith("LC_")}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([*paths, home]),
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # each thread's own arena would take 64 MiB of address space
    }


def _widen(fd: int) -> None:
    """Let a pipe hold more than the usual 64 KiB, so that a frame takes few turns."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # beyond what this user may have in pipes
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"crashed ({signal.Signals(-status).name})"
    except ValueError:
        return f"crashed (signal {-status})"


def _unstartable(why: str) -> MediaError:
    return MediaError(
        f"the process that decodes videos cannot be started ({why or 'it does not answer'}); run python -m "
        "lvqa.media.isolation.child to see why, or set isolate = false (LVQA_ISOLATE=0) to decode without its "
        "protection"
    )
