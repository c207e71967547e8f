"""What a notebook shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lvqa import Archive, Span, UsageError, notebook
from lvqa.models.profiles import Models

ROOT = Path(__file__).resolve().parents[2]


def test_answers_show_pictures_and_a_timeline(archive: Archive) -> None:
    html = archive.ask("What does she take out of the fridge?")._repr_html_()
    assert html.count("data:image/jpeg;base64,/9j/") >= 1
    assert "<svg" in html
    assert "(confidence " in html
    assert "cost:" in html


def test_hits_show_pictures(archive: Archive) -> None:
    html = archive.search("milk", k=2)._repr_html_()
    assert "data:image/jpeg;base64,/9j/" in html
    assert "kitchen.mp4" in html


def test_archives_show_their_videos(archive: Archive, folder: Path) -> None:
    html = archive._repr_html_()
    assert html.count("data:image/jpeg;base64,/9j/") == 2
    assert "2 videos, 10 s" in html
    assert "not indexed yet" in Archive(folder, archive_dir=folder / "x")._repr_html_()


def test_a_missing_file_is_shown_without_its_picture(archive: Archive, folder: Path) -> None:
    answer = archive.ask("What does she take out of the fridge?")
    hits = archive.search("milk fridge")
    for name in ("kitchen.mp4", "garden.mp4"):
        (folder / name).unlink()
    for html in (answer._repr_html_(), hits._repr_html_(), archive._repr_html_()):
        assert "no picture" in html
        assert "data:image" not in html


def test_a_caption_with_a_script_is_harmless(tmp_path: Path, models: Models) -> None:
    evil = "<script>alert(1)</script> <img src=x onerror=alert(1)> kite"
    captions = tmp_path / "c.jsonl"
    captions.write_text(json.dumps({"video": '"><b>.mp4', "start_s": 0, "end_s": 1, "text": evil}) + "\n")
    archive = Archive(tmp_path, models=models)
    archive.import_captions(captions)
    answer = archive.ask("What about the kite? <script>")
    for html in (answer._repr_html_(), archive.search("kite")._repr_html_(), archive._repr_html_()):
        assert not re.search(r"<script|<img src=x|<b>", html)
    assert "&lt;script&gt;" in answer._repr_html_()


def test_filmstrip(archive: Archive) -> None:
    (hit, *_) = archive.search("carton of milk")
    strip = notebook.filmstrip(archive, hit, n=4)
    assert [t for t, _ in strip.pictures] == [2.25, 2.75, 3.25, 3.75]
    assert all(jpeg.startswith(b"\xff\xd8") for _, jpeg in strip.pictures)
    assert strip._repr_html_().count("<img") == 4
    assert len(notebook.filmstrip(archive, ("garden.mp4", Span(0, 1)), n=1).pictures) == 1
    with pytest.raises(UsageError):
        notebook.filmstrip(archive, hit, n=0)


def test_asking_in_a_notebook_shows_steps(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython.display

    shown: list[str] = []

    class Handle:
        def update(self, html) -> None:
            shown.append(html.data)

    monkeypatch.setattr(IPython.display, "display", lambda *args, **kwargs: Handle())
    answer = notebook.ask(archive, "What does the dog dig up?")
    assert answer.evidence
    assert len(shown) >= 3
    assert "recall" in shown[-1]


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    book = nbformat.read(ROOT / "notebooks" / "explore.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit the notebook without outputs"
    # A busy machine may take its time: the patience with a kernel that starts, or with a cell, is the test's own.
    patience = {"timeout": None, "startup_timeout": 1800}
    client.NotebookClient(book, **patience, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        o["data"]["text/html"] for c in book.cells for o in c.get("outputs", []) if "text/html" in o.get("data", {})
    ]
    assert sum("data:image/jpeg" in html for html in shown) >= 3
    assert any("<svg" in html for html in shown)
