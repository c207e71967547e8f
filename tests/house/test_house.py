"""The checks of the house's shape: each finds the fault that is planted, and this tree has none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "house.py"
FACADE = '''"""A room."""
import lazy_loader
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
'''
STUB = "from .rows import Note as Note\n"


@pytest.fixture(scope="module")
def house() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["house"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small house in order: two rooms, a laboratory, a link."""
    put(tmp_path, "lvqa/__init__.py", '"""Top."""\n')
    put(tmp_path, "lvqa/store/__init__.py", FACADE)
    put(tmp_path, "lvqa/store/__init__.pyi", STUB)
    put(tmp_path, "lvqa/store/rows.py", "class Note: ...\nclass Inner: ...\n")
    put(tmp_path, "agents/__init__.py", "")
    put(tmp_path, "agents/graph.py", "from lvqa.store.rows import Note\nfrom lvqa.store import Note as Other\n")
    put(tmp_path, "eval/__init__.py", "")
    put(tmp_path, "eval/lab/__init__.py", "")
    put(tmp_path, "eval/lab/world.py", "from lvqa.store.rows import Inner\n")
    put(tmp_path, "eval/lab/weights.safetensors", "x" * 2_000_000)
    (tmp_path / "lvqa" / "agents").symlink_to("../agents")
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_house_in_order_has_no_fault(house: ModuleType, tree: Path) -> None:
    assert house.faults(tree) == []


def test_too_much_code_is_found_and_the_laboratory_does_not_count(house: ModuleType, tree: Path) -> None:
    put(tree, "eval/lab/long.py", "x = 1\n" * 50_000)
    assert house.faults(tree) == []
    put(tree, "agents/long.py", "x = 1\n" * house.MOST_PRODUCT_LINES)
    (fault,) = house.faults(tree)
    assert f"at most {house.MOST_PRODUCT_LINES:,}" in fault


@pytest.mark.parametrize("folder", ["agents", "agents/nodes", "eval/lab/world2"])
def test_a_full_folder_is_found(house: ModuleType, tree: Path, folder: str) -> None:
    have = sum(path.name != "__init__.py" for path in (tree / folder).glob("*.py"))
    for number in range(20 - have):
        put(tree, f"{folder}/m{number}.py", "")
    assert house.faults(tree) == []
    put(tree, f"{folder}/one_more.py", "")
    (fault,) = house.faults(tree)
    assert fault.startswith(f"{folder}/ holds 21 loose modules")


@pytest.mark.parametrize(
    "back",
    [
        "import lvqa.agents.a\n",
        "from lvqa.agents import a\n",
        "from . import a\n",
        "from .a import x\n",
        "def f():\n    from lvqa.agents.a import x\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lvqa.agents.a import x\n",
    ],
)
def test_a_circle_is_found_however_it_is_closed(house: ModuleType, tree: Path, back: str) -> None:
    put(tree, "agents/a.py", "from lvqa.agents.b import y\nx = 1\n")
    put(tree, "agents/b.py", "from lvqa.agents.c import z\ny = 1\n")
    put(tree, "agents/c.py", "z = 1\n")
    assert house.faults(tree) == []
    put(tree, "agents/c.py", back + "z = 1\n")
    assert house.faults(tree) == ["imported in a circle: lvqa.agents.a, lvqa.agents.b, lvqa.agents.c"]


def test_a_room_that_imports_its_own_front_door_is_a_circle(house: ModuleType, tree: Path) -> None:
    put(tree, "lvqa/store/rows.py", "class Note: ...\nfrom lvqa.store import Note\n")
    assert house.faults(tree) == ["imported in a circle: lvqa.store, lvqa.store.rows"]


def test_an_offered_name_that_is_not_there_is_found(house: ModuleType, tree: Path) -> None:
    put(tree, "lvqa/store/__init__.pyi", STUB.replace("Note", "Gone"))
    found = house.faults(tree)
    assert "lvqa/store/__init__.py offers Gone of lvqa.store.rows, which has no such name" in found
    put(tree, "lvqa/store/__init__.pyi", STUB.replace("rows", "gone"))
    assert "lvqa/store/__init__.py offers Note of lvqa.store.gone, which is no module" in house.faults(tree)


def test_names_that_load_late_are_listed_once_in_a_stub(house: ModuleType, tree: Path) -> None:
    (tree / "lvqa/store/__init__.pyi").unlink()
    assert any("go together" in fault for fault in house.faults(tree))
    put(tree, "lvqa/store/__init__.pyi", STUB)
    put(tree, "lvqa/store/__init__.py", FACADE.replace("attach_stub(__name__, __file__)", "attach(__name__)"))
    found = house.faults(tree)
    assert any("lists names for lazy_loader.attach" in fault for fault in found)
    assert any("go together" in fault for fault in found)


def test_a_name_that_another_room_takes_must_be_offered(house: ModuleType, tree: Path) -> None:
    put(tree, "agents/graph.py", "def f():\n    from lvqa.store.rows import Inner\n")
    (fault,) = house.faults(tree)
    assert fault == "lvqa.store.rows.Inner is used by lvqa.agents.graph, and no __init__ above it offers it"


def test_one_class_name_twice_is_found_in_the_laboratory_too(house: ModuleType, tree: Path) -> None:
    put(tree, "eval/lab/again.py", "def f():\n    class Note: ...\n")
    (fault,) = house.faults(tree)
    assert fault == "class Note is defined 2 times: eval/lab/again.py:2, lvqa/store/rows.py:1"


@pytest.mark.parametrize("repository", [True, False])
def test_large_files_and_archives_are_found(house: ModuleType, tree: Path, repository: bool) -> None:
    put(tree, "lvqa/weights.bin", "x" * 1_000_001)
    put(tree, "py_spy.whl", "x")
    put(tree, "tests/old.tar.xz", "x")
    put(tree, ".gitignore", "ignored/\n")
    if repository:
        subprocess.run(["git", "init", "-q", tree], check=True)
        put(tree, "ignored/weights.bin", "x" * 1_000_001)
    found = house.faults(tree)
    assert [fault.split()[0] for fault in found] == ["lvqa/weights.bin", "py_spy.whl"]


@pytest.mark.parametrize(
    "line",
    [
        "from lvqa.eval.lab.world import x",
        "import lvqa.eval.lab",
        "from lvqa.eval import lab",
        "HOME = 'lvqa.eval.lab.world'",
    ],
)
def test_a_product_that_knows_the_laboratory_is_found(house: ModuleType, tree: Path, line: str) -> None:
    put(tree, "lvqa/door.py", f"def f():\n    {line}\n")
    assert house.faults(tree) == ["lvqa/door.py:2 reaches into lvqa.eval.lab, which is no part of the product"]


def test_the_command_names_the_faults_and_fails(tree: Path) -> None:
    done = subprocess.run([sys.executable, "-S", SCRIPT, tree], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "the house is in order\n")
    put(tree, "py_spy.whl", "x")
    done = subprocess.run([sys.executable, "-S", SCRIPT, tree], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("house: py_spy.whl is an archive")
