"""What pip installs is what the repository holds, and what the README says is what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]
# In the repository, and in no wheel.
LABORATORY = ("eval", ("lab",))
MOST_WHEEL_BYTES = 1.5 * 2**20
ROOMS = ("indexers", "agents", "prompts", "eval")


def package_folders() -> dict[str, Path]:
    found = {}
    for top, name in (("lvqa", "lvqa"), *((room, f"lvqa.{room}") for room in ROOMS)):
        for init in (ROOT / top).rglob("__init__.py"):
            inside = init.parent.relative_to(ROOT / top)
            if any((ROOT / top / part).is_symlink() for part in (inside, *inside.parents)):
                continue  # lvqa/indexers and its like are links to the rooms
            if (top, inside.parts[:1]) == LABORATORY:
                continue
            found[".".join([name, *inside.parts])] = init.parent
    return found


def test_every_package_folder_is_listed_but_the_laboratorys() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(package_folders())


def test_the_rooms_are_mapped_below_one_name() -> None:
    assert SETUPTOOLS["package-dir"] == {"lvqa": "lvqa"} | {f"lvqa.{room}": room for room in ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_the_link_is_the_same_code_as_the_room(room: str) -> None:
    link = ROOT / "lvqa" / room
    assert link.is_symlink()
    assert link.readlink() == Path("..", room)
    files = sorted(p.relative_to(ROOT / room) for p in (ROOT / room).rglob("*.py"))
    assert files
    for file in files:
        assert (link / file).samefile(ROOT / room / file)


@pytest.mark.parametrize("room", ROOMS)
def test_the_imported_room_is_the_room(room: str) -> None:
    module = __import__(f"lvqa.{room}", fromlist=["__path__"])
    assert Path(module.__file__).resolve() == ROOT / room / "__init__.py"


def test_each_command_is_in_the_readme() -> None:
    import typer.main

    from lvqa.cli.app import app

    readme = (ROOT / "README.md").read_text()
    group = typer.main.get_command(app)
    names = [name for name in group.commands if name != "eval"]  # type: ignore[attr-defined]
    names += [f"eval {name}" for name in group.commands["eval"].commands]  # type: ignore[attr-defined]
    assert len(names) >= 11
    missing = [name for name in names if not re.search(rf"lvqa {name}\b", readme)]
    assert not missing, f"README.md does not mention: {missing}"


@pytest.mark.slow
def test_a_wheel_holds_the_rooms_and_the_prompts_and_nothing_of_the_laboratory(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    copy = tmp_path / "source"
    # From a copy: building in place would leave build/ and egg-info behind.
    skip = shutil.ignore_patterns(".*", "tests", "build", "dist", "demo", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=skip)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, copy],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "lvqa/py.typed" in names
    assert "lvqa/cli/app.py" in names
    assert "lvqa/eval/runner/runner.py" in names
    for room in ROOMS:
        assert f"lvqa/{room}/__init__.py" in names
        assert f"{room}/__init__.py" not in names
    prompts = {f"lvqa/prompts/{path.relative_to(ROOT / 'prompts')}" for path in (ROOT / "prompts").rglob("*.md")}
    assert "lvqa/prompts/caption.md" in prompts
    assert prompts <= names
    assert not [name for name in names if re.search(r"(^|/)(lab|world|tiny|torture|bench)(/|\.|$)", name)]
    assert wheel.stat().st_size <= MOST_WHEEL_BYTES
