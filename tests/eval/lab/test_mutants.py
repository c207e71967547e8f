"""Mutants of a source: what is changed, what is left, and that a checkout's tests are run on them."""

from __future__ import annotations

import ast
from pathlib import Path

from lvqa.eval.lab.mutants import survivors
from lvqa.eval.lab.mutants.mutate import mutants

SOURCE = '''"""A module: 1 + 1."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a import b

LIMIT: float = 2.0


def grow(x: int = 1, *, over: bool = False) -> int:
    """Never less than 0."""
    log("ä", x)
    if x >= LIMIT and not over:
        return x - 1
    return f"{x + 1}" if x else 0
'''


def test_every_change_is_one_place() -> None:
    found = [(one.first_line, one.before, one.after) for one in mutants(SOURCE)]
    assert sorted(found) == sorted(
        [
            (9, "2.0", "(3.0)"),
            (12, "1", "(2)"),
            (12, "False", "(True)"),
            (14, 'log("ä", x)', "pass"),
            (15, "x >= LIMIT and not over", "(x >= LIMIT or not over)"),
            (15, "x >= LIMIT", "(x > LIMIT)"),
            (15, "not over", "(over)"),
            (16, "x - 1", "(x + 1)"),
            (16, "1", "(2)"),
            (17, "x", "(not x)"),
            (17, "0", "(1)"),
        ]
    )


def test_what_is_made_is_source_with_that_change_alone() -> None:
    for one in mutants(SOURCE):
        ast.parse(one.source)
        assert one.source != SOURCE
        assert one.source.splitlines()[: one.first_line - 1] == SOURCE.splitlines()[: one.first_line - 1]
        assert one.source.splitlines()[one.last_line :] == SOURCE.splitlines()[one.last_line :]


def test_a_change_that_no_test_notices_survives(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "sums.py").write_text(
        "def add(a, b):\n    return a + b\n\n\ndef more(a):\n    return a > 3\n\n\ndef never(a):\n    return not a\n"
    )
    (tmp_path / "test_sums.py").write_text(
        "from room.sums import add, more\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\n"
        "def test_more():\n    assert more(9)\n"
    )
    copied = survivors.copy_of(tmp_path, tmp_path.parent / f"{tmp_path.name}-copy")
    known = survivors.reach(copied, ["room"], ["test_sums.py"])
    chosen = survivors.drawn(copied, ["room"], 9, seed=0)
    told = {
        (one.mutant.before, one.mutant.after): (one.killed, one.tests) for one in survivors.tried(copied, known, chosen)
    }
    assert told == {
        ("a + b", "(a - b)"): (True, 1),
        ("a > 3", "(a >= 3)"): (False, 1),
        ("3", "(4)"): (False, 1),
        ("not a", "(a)"): (False, 0),
    }
    assert (copied / "room" / "sums.py").read_text() == (tmp_path / "room" / "sums.py").read_text()


def test_numbers_are_tried_with_the_tests_of_numbers_then_with_those_of_the_module() -> None:
    (number, *_) = [one for one in mutants("LEAST = 3\n") if one.before == "3"]
    by_line: dict[tuple[str, int], set[str]] = {
        ("room/a.py", 1): set(),
        ("room/a.py", 7): {"tests/test_a.py::test_b", "tests/test_a.py::test_a"},
        ("room/b.py", 1): {"x.py::y"},
    }
    lines = {"tests/test_a.py::test_a": 9, "tests/test_a.py::test_b": 2, "tests/test_rules.py::test_n": 5, "x.py::y": 1}
    known = survivors.Reach(by_line, lines, 1.0)
    assert survivors.tests_of(known, "room/a.py", number) == [
        "tests/test_rules.py::test_n", "tests/test_a.py::test_b", "tests/test_a.py::test_a",
    ]  # fmt: skip
    by_line["room/a.py", 1] = {"x.py::y"}
    assert survivors.tests_of(known, "room/a.py", number) == ["x.py::y"]
    del by_line["room/a.py", 1]
    assert survivors.tests_of(known, "room/a.py", number) == []
