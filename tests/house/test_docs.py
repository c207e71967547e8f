"""What README and docs say is there: commands, files, modules; and the pages build without a warning."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILE = re.compile(r"`((?:lvqa|agents|indexers|prompts|eval|tests|docs|notebooks|constraints|\.ci)/[\w./-]+)`")
MODULE = re.compile(r"python -m (lvqa[\w.]*)")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def commands() -> list[str]:
    """Every command as it is typed after `lvqa`."""
    import typer.main

    from lvqa.cli.app import app

    group = typer.main.get_command(app)
    inner = group.commands["eval"].commands  # type: ignore[attr-defined]
    return [*group.commands, *(f"eval {name}" for name in inner)]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def reference() -> str:
    """The commands as the page of the command line shows them."""
    spec = importlib.util.spec_from_file_location("docs_pages", ROOT / ".ci" / "docs_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.on_page_markdown((ROOT / "docs" / "reference" / "cli.md").read_text())


def test_every_command_is_in_the_reference(reference: str) -> None:
    found = re.findall(r"^#+ `lvqa ?(.*)`$", reference, re.MULTILINE)
    assert [name for name in commands() if name not in found] == []


@pytest.mark.parametrize("command", ["index", "ask", "search"])
def test_every_option_is_in_the_reference(reference: str, command: str) -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "lvqa.cli", command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_text, re.MULTILINE)) - {"--help"}
    assert len(options) > 3
    section = reference.split(f"## `lvqa {command}`")[1].split("\n## ")[0]
    assert [option for option in sorted(options) if f"`{option}" not in section] == []


def test_every_setting_is_in_the_reference() -> None:
    from lvqa.settings import Settings

    spec = importlib.util.spec_from_file_location("docs_pages", ROOT / ".ci" / "docs_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = module.settings()
    assert [name for name in Settings.model_fields if f"| `{name}` |" not in table] == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_modules_and_links_exist(text: Path) -> None:
    said = text.read_text(encoding="utf-8")
    assert [name for name in FILE.findall(said) if not (ROOT / name).exists()] == []
    named = {name.rstrip(".") for name in MODULE.findall(said)}
    assert [name for name in sorted(named) if find_spec(name) is None] == []
    assert [link for link in LINK.findall(said) if not (text.parent / link).exists()] == []


def test_the_readme_stays_short() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 230


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    pytest.importorskip("material")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "lvqa index" in (tmp_path / "reference" / "cli.html").read_text(encoding="utf-8")
    assert "Archive" in (tmp_path / "reference" / "python.html").read_text(encoding="utf-8")


def test_the_readmes_python_runs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    from lvqa import Archive
    from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeVision
    from lvqa.models.profiles import Models

    models = Models.of(embedder=FakeEmbedder(), image_embedder=FakeImageEmbedder(), vision=FakeVision())
    archive = Archive(folder, models=models, profile="text")
    monkeypatch.setattr("lvqa.Archive", lambda place, profile: archive)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert names["report"].indexed == 2
    assert names["hit"].video
    assert names["answer"].evidence
