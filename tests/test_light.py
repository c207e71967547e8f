"""`import lvqa` and `lvqa --help` load nothing heavy; every public name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lvqa

HEAVY = {
    *(
        "torch",
        "transformers",
        "sentence_transformers",
        "faiss",
        "langgraph",
        "langchain_core",
        "numpy",
        "av",
        "decord",
    ),
    *("decord", "PIL", "scenedetect", "sqlite_utils", "rapidocr", "onnxruntime", "faster_whisper"),
}


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import lvqa",
        "import lvqa.types, lvqa.errors",
        "from lvqa import Span, Answer, LvqaError",
        "from lvqa.cli import main; assert main(['--help']) == 0",
        "from lvqa.cli import main; assert main(['--version']) == 0",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert not loaded_by(code) & {*HEAVY, "pydantic"}


def test_templates_are_loaded_once_html_is_asked_for() -> None:
    assert "jinja2" not in loaded_by("import lvqa.render")
    assert "jinja2" in loaded_by("import lvqa.render; lvqa.render.steps_html([])")


@pytest.mark.parametrize("argv", [["ask", "--help"], ["ask", "folder"]])
def test_parsing_a_command_loads_no_more_than_typer_does(argv: list[str]) -> None:
    assert not loaded_by(f"from lvqa.cli import main; assert main({argv}) in (0, 2)") & HEAVY


def test_the_help_loads_no_archive_and_no_model() -> None:
    code = "import sys; from lvqa.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lvqa.cli.questions" in done.stderr.split()
    rooms = {".".join(name.split(".")[:2]) for name in done.stderr.split() if name.startswith("lvqa.")}
    assert not rooms & {"lvqa.agents", "lvqa.archive", "lvqa.eval", "lvqa.indexers", "lvqa.models", "lvqa.store"}


def test_every_public_name_is_there() -> None:
    names = [name for name in dir(lvqa) if name[0].isupper() and name not in ("TYPE_CHECKING", "Any")]
    assert {"Archive", "Answer", "Budget", "Evidence", "Hit", "LvqaError", "Models", "Span", "Video"} <= set(names)
    for name in names:
        assert getattr(lvqa, name).__name__ == name


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert lvqa.__version__ == version("lvqa")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="frobnicate"):
        lvqa.frobnicate  # noqa: B018
