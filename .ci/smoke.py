"""Every door once, on three short videos of text and speech that are made for it: `python .ci/smoke.py`.

Indexes and asks over the command line, in Python and in a notebook, and says how long each took. Fails with the door's
own words where one does not work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What is said is in subtitles: neither the screen's reader nor a transcriber is loaded.
TEXT = ("--profile", "text", "--ocr", "none", "--asr", "none")
QUESTION = "What freezes at minus two degrees?"
NOTEBOOK = """
from lvqa import Archive
archive = Archive({folder!r}, profile="text", ocr="none", asr="none")
answer = archive.ask({question!r})
assert answer.evidence
answer
"""


def lvqa(*words: str, typed: str | None = None) -> str:
    """Run a command and return its stdout; a failure shows its stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "lvqa.cli", *words], input=typed, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"lvqa {' '.join(words)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return done.stdout


def command_line(folder: str) -> None:
    """index, ask, search, chat, show, status, check."""
    lvqa("index", folder, *TEXT)
    answer = json.loads(lvqa("ask", folder, QUESTION, *TEXT, "--json"))
    assert answer["evidence"], answer
    found = json.loads(lvqa("search", folder, "freezes", "--json"))
    assert found, "nothing found"
    assert json.loads(lvqa("chat", folder, *TEXT, "--json", typed=f"{QUESTION}\n"))["evidence"]
    assert json.loads(lvqa("show", folder, found[0]["video"], "--json"))["notes"]
    assert json.loads(lvqa("status", folder, "--json"))["videos"]["indexed"] == 3
    assert "frames" in lvqa("ask", folder, QUESTION, *TEXT)
    lvqa("check", folder)


def python(folder: str) -> None:
    """Archive: the same answer as the command line gave, and twice the same."""
    from lvqa import Archive

    with Archive(folder, profile="text", ocr="none", asr="none") as archive:
        assert archive.index().unchanged == 3
        one, two = archive.ask(QUESTION), archive.ask(QUESTION)
        assert one.evidence
        assert one.text == two.text
        assert archive.search("freezes")
        assert "<script" not in one._repr_html_()


def notebook(folder: str) -> None:
    """A cell that asks, run by a kernel; what it shows is HTML."""
    import nbformat
    from nbclient import NotebookClient

    book: Any = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(NOTEBOOK.format(folder=folder, question=QUESTION))]
    NotebookClient(book, timeout=300, kernel_name="python3").execute()
    shown = [output for output in book.cells[0].outputs if "text/html" in output.get("data", {})]
    assert shown, book.cells[0].outputs


DOORS: tuple[Callable[[str], None], ...] = (command_line, python, notebook)


def main() -> int:
    """Make the footage and go through every door."""
    from lvqa.demo import make_footage

    with tempfile.TemporaryDirectory() as folder:
        make_footage(Path(folder))
        for door in DOORS:
            begun = time.monotonic()
            door(folder)
            sys.stdout.write(f"{door.__name__:<14} {time.monotonic() - begun:5.1f} s\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
