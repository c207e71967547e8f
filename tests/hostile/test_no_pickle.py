"""Nothing in the tree unpickles, evaluates, or loads YAML that could: by what the source says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("lvqa", "indexers", "agents", "prompts", "eval")
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {
    "torch.load",
    "torch.save",
    "torch.jit.load",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "pd.read_pickle",
}
BUILTINS = {"eval", "exec", "__import__"}


def sources() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not any(parent.is_symlink() for parent in path.parents):
                yield path


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def dangers(source: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            found.append(node.module or "")
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in CALLS | BUILTINS:
                found.append(name)
            for keyword in node.keywords:
                on = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                if (keyword.arg in ("allow_pickle", "trust_remote_code") and on) or (
                    keyword.arg == "use_safetensors" and not on
                ):
                    found.append(str(keyword.arg))
    return found


def test_nothing_unpickles_or_evaluates() -> None:
    paths = list(sources())
    assert len(paths) > 200
    found = {str(path.relative_to(ROOT)): what for path in paths if (what := dangers(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "import torch\ntorch.load(x)", "yaml.load(x)", "eval(x)",
        "np.load(x, allow_pickle=True)", "m.from_pretrained(x, trust_remote_code=True)",
        "m.from_pretrained(x, use_safetensors=False)",
    ],
)  # fmt: skip
def test_the_search_would_find_it(source: str) -> None:
    assert dangers(source)


def test_models_are_loaded_through_one_door() -> None:
    """Every `from_pretrained` is handed to `load_pretrained`, which decides about code of their own."""
    bare: list[str] = []
    for path in sources():
        if path.is_relative_to(ROOT / "eval"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and dotted(node.func).endswith(".from_pretrained"):
                bare.append(str(path.relative_to(ROOT)))
    assert bare == []
