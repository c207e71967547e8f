"""What the house promises of its own shape, from the source alone: `python .ci/house.py [TREE] [--skip=CHECK ...]`.

Product code stays small, folders stay surveyable, no module is imported in a circle, what one room takes from another
is offered by that room, one class name means one thing, nothing large or packed is committed, and no product module
knows of the laboratory. Prints a line for each fault and exits with 1 where there is one. Imports nothing of lvqa, so
that it runs in a second on any Python from 3.11 on.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MOST_PRODUCT_LINES = 50_200
MOST_MODULES_IN_A_FOLDER = 20
MOST_BYTES_OF_A_FILE = 1_000_000
ROOMS = {
    "lvqa": "lvqa",
    "agents": "lvqa.agents",
    "indexers": "lvqa.indexers",
    "prompts": "lvqa.prompts",
    "eval": "lvqa.eval",
}
"""The folders that hold code, and the name below which each is imported."""
LAB = "lvqa.eval.lab"
LAB_FOLDER = "eval/lab/"
ARCHIVES = (".whl", ".egg", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar")


@dataclass(frozen=True)
class Module:
    """A Python file of the house: its dotted name, its path from the root, its text and that of the stub beside it.

    A package's stub lists the names that its `__init__` loads when they are first used (`lazy_loader.attach_stub`).
    """

    name: str
    path: str
    source: str
    stub: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The file as a syntax tree."""
        return ast.parse(self.source, self.path)

    @property
    def is_package(self) -> bool:
        """Whether the file is the `__init__` of a folder."""
        return self.path.endswith("__init__.py")

    @property
    def in_lab(self) -> bool:
        """Whether the file belongs to the laboratory, which is no part of the product."""
        return self.name == LAB or self.name.startswith(LAB + ".")

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that the file binds at its top level, also below `if` and `try`; imported ones included."""
        return frozenset(_bound(self.tree.body))


@dataclass(frozen=True)
class House:
    """All modules of a tree, by name."""

    root: Path
    modules: Mapping[str, Module]

    @classmethod
    def read(cls, root: Path) -> House:
        """Read every Python file of the rooms; the links below `lvqa` are followed by their real folders alone."""
        modules = {}
        for top, package in ROOMS.items():
            links = {path for path in (root / top).glob("*") if path.is_symlink()}
            for path in sorted((root / top).rglob("*.py")):
                if links & {path, *path.parents}:
                    continue
                parts = path.relative_to(root / top).with_suffix("").parts
                name = ".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])
                stub = path.with_suffix(".pyi")
                modules[name] = Module(
                    name,
                    path.relative_to(root).as_posix(),
                    path.read_text(encoding="utf-8"),
                    stub.read_text(encoding="utf-8") if stub.exists() else "",
                )
        return cls(root, modules)

    def imports(self, module: Module) -> Iterator[tuple[ast.stmt, str, str]]:
        """Every import of a module of the house, wherever it stands: (statement, module, name taken or empty)."""
        for node in (*ast.walk(module.tree), *ast.walk(ast.parse(module.stub))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in self.modules:
                        yield node, alias.name, ""
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(module, node)
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    if inner in self.modules:
                        yield node, inner, ""
                    elif base in self.modules:
                        yield node, base, alias.name

    @cached_property
    def offered(self) -> Mapping[str, Mapping[str, str]]:
        """The names that each package offers, with the module that each comes from; see `_offers`."""
        return {name: _offers(module) for name, module in self.modules.items() if module.is_package}


def product_size(house: House) -> Iterator[str]:
    """The product's code is at most so many lines, as `wc -l` counts them."""
    lines = sum(module.source.count("\n") for module in house.modules.values() if not module.in_lab)
    if lines > MOST_PRODUCT_LINES:
        yield f"the product has {lines:,} lines of code without {LAB_FOLDER}; at most {MOST_PRODUCT_LINES:,}"


def full_folders(house: House) -> Iterator[str]:
    """A folder holds at most so many loose modules."""
    loose: dict[str, int] = defaultdict(int)
    for module in house.modules.values():
        if not module.is_package:
            loose[module.path.rpartition("/")[0]] += 1
    for folder, number in sorted(loose.items()):
        if number > MOST_MODULES_IN_A_FOLDER:
            yield f"{folder}/ holds {number} loose modules; at most {MOST_MODULES_IN_A_FOLDER}: give some a folder"


def circles(house: House) -> Iterator[str]:
    """No module is imported in a circle; imports in functions and those for type checkers count as well."""
    targets = {
        name: {target for _, target, _ in house.imports(module)} - {name} for name, module in house.modules.items()
    }
    for group in _components(targets):
        yield f"imported in a circle: {', '.join(sorted(group))}"


def broken_offers(house: House) -> Iterator[str]:
    """What a package offers exists, and an `__init__` that loads names late has them from a stub beside it."""
    for package, names in house.offered.items():
        module = house.modules[package]
        for name, home in sorted(names.items()):
            if home not in house.modules:
                yield f"{module.path} offers {name} of {home}, which is no module"
            elif name not in house.modules[home].defined | house.offered.get(home, {}).keys():
                yield f"{module.path} offers {name} of {home}, which has no such name"
        if ("lazy_loader.attach_stub(" in module.source) != bool(module.stub):
            yield f"{module.path} and {module.path}i go together: names in the stub, lazy_loader.attach_stub here"
        if "lazy_loader.attach(" in module.source:
            yield f"{module.path} lists names for lazy_loader.attach; list them once, in a stub for attach_stub"


def unreachable(house: House) -> Iterator[str]:
    """A name that another room of the product imports is offered by an `__init__` above its module."""
    missing: dict[tuple[str, str], set[str]] = defaultdict(set)
    for module in house.modules.values():
        if module.in_lab:
            continue
        for _, target, name in house.imports(module):
            home = house.modules[target]
            if not name or home.is_package or home.in_lab or _room(target) == _room(module.name):
                continue
            above = _above(target)
            # A module that lies in no room, such as lvqa.types, is a public place itself. What bears its module's name
            # (lvqa.language.times.times) cannot be offered beside it: the room's attribute is the module.
            if above == ["lvqa"] or name == target.rpartition(".")[2]:
                continue
            if not any(house.offered.get(package, {}).get(name) == target for package in above):
                missing[target, name].add(module.name)
    for (target, name), users in sorted(missing.items()):
        yield f"{target}.{name} is used by {', '.join(sorted(users))}, and no __init__ above it offers it"


def names_twice(house: House) -> Iterator[str]:
    """One class name means one thing in the whole house, the laboratory included."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module in house.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{module.path}:{node.lineno}")
    for name, places in sorted(homes.items()):
        if len(places) > 1:
            yield f"class {name} is defined {len(places)} times: {', '.join(sorted(places))}"


def heavy_files(house: House) -> Iterator[str]:
    """Nothing large is committed outside the laboratory, and nothing packed but small data of tests."""
    for name in _files(house.root):
        path = house.root / name
        if path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        if size > MOST_BYTES_OF_A_FILE and not name.startswith(LAB_FOLDER):
            yield f"{name} has {size:,} bytes; files above {MOST_BYTES_OF_A_FILE:,} belong in {LAB_FOLDER} or elsewhere"
        if name.endswith(ARCHIVES) and not name.startswith("tests/"):  # stored indexes of earlier versions
            yield f"{name} is an archive; what is in it belongs here, or the package in pyproject.toml"


def lab_in_product(house: House) -> Iterator[str]:
    """No product module imports the laboratory, nor names one of its modules to be imported."""
    for module in house.modules.values():
        if module.in_lab:
            continue
        lines = {node.lineno for node, target, _ in house.imports(module) if house.modules[target].in_lab}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(LAB + "."):
                lines.add(node.lineno)
        for line in sorted(lines):
            yield f"{module.path}:{line} reaches into {LAB}, which is no part of the product"


CHECKS: Sequence[Callable[[House], Iterator[str]]] = (
    product_size,
    full_folders,
    circles,
    broken_offers,
    unreachable,
    names_twice,
    heavy_files,
    lab_in_product,
)


def faults(root: Path, skipped: Sequence[str] = ()) -> list[str]:
    """All faults of the tree at `root`, a line each, but for the checks whose names are `skipped`."""
    house = House.read(root)
    return [fault for check in CHECKS if check.__name__ not in skipped for fault in check(house)]


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that statements bind."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _bound(handler.body)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    """The module that a `from` statement names, dots resolved."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    above = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _offers(module: Module) -> dict[str, str]:
    """The names that an `__init__` offers, with their modules.

    Those are what its stub imports, what it imports itself with an alias of the same name, and what its `__all__`
    lists or, without one, its own classes and functions.
    """
    imported, names = {}, {}
    for tree in (module.tree, ast.parse(module.stub)):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                home = _absolute(module, node)
                imported |= {alias.asname or alias.name: home for alias in node.names}
                names |= {alias.name: home for alias in node.names if alias.asname == alias.name}
    return names | {name: imported.get(name, module.name) for name in _listed(module)}


def _listed(module: Module) -> list[str]:
    """What a literal `__all__` lists; without one the module's own public classes and functions."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    own = (node for node in module.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef))
    return [node.name for node in own if not node.name.startswith("_")]


def _room(name: str) -> str:
    """The room a module lies in: the first two parts of its name."""
    return ".".join(name.split(".")[:2])


def _above(name: str) -> list[str]:
    """The packages above a module, the nearest first."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


def _components(targets: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """The groups of more than one that reach each other."""

    def reach(start: str) -> set[str]:
        found: set[str] = set()
        todo = [start]
        while todo:
            for target in targets[todo.pop()] - found:
                found.add(target)
                todo.append(target)
        return found

    reached = {name: reach(name) for name in targets}
    done: set[str] = set()
    for name in sorted(targets):
        if name not in done and name in reached[name]:
            group = {other for other in reached[name] if name in reached[other]}
            done |= group
            yield group


def _files(root: Path) -> list[str]:
    """What is committed or would be; in a folder that is no repository, everything."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
        )
        return sorted(filter(None, listed.stdout.decode("utf-8", "surrogateescape").split("\0")))
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


def main(argv: Sequence[str]) -> int:
    """Check a tree, the one around this file if none is named, and print what is wrong with it."""
    skipped = [word.removeprefix("--skip=") for word in argv if word.startswith("--skip=")]
    trees = [word for word in argv if not word.startswith("--skip=")]
    root = Path(trees[0]) if trees else Path(__file__).resolve().parents[1]
    found = faults(root, skipped)
    for fault in found:
        sys.stderr.write(f"house: {fault}\n")
    if not found:
        sys.stdout.write("the house is in order\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
