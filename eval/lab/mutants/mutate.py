"""Every small change of a source that could be a mistake: another comparison, number, sign, truth value, or no call.

Knows syntax trees alone. What only types, documents or names is not changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: on which lines, from 1, what stood there and stands there now, and the whole source with it."""

    first_line: int
    last_line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutation]:
    """All mutants of a module, in the order of their places. Raises SyntaxError."""
    tree = ast.parse(source)
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    skipped = _skipped(tree)
    for node in ast.walk(tree):
        if node in skipped:
            skipped.update(ast.iter_child_nodes(node))
            continue
        for place, changed in _changes(node):
            yield _mutant(lines, place, changed)


def _mutant(lines: list[bytes], node: ast.expr | ast.stmt, changed: ast.AST) -> Mutation:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    last = node.end_lineno
    after = ast.unparse(ast.fix_missing_locations(changed))
    if isinstance(node, ast.expr):
        after = f"({after})"
    head, tail = lines[node.lineno - 1][: node.col_offset], lines[last - 1][node.end_col_offset :]
    between = b"".join(lines[node.lineno - 1 : last])
    before = between[len(head) : len(between) - len(tail)].decode()
    made = b"".join([*lines[: node.lineno - 1], head, after.encode(), tail, *lines[last:]]).decode()
    return Mutation(node.lineno, last, before, after, made)


def _skipped(tree: ast.AST) -> set[ast.AST]:
    """Annotations, docstrings, `if TYPE_CHECKING`, imports, f-strings: what no test of behaviour could tell."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr | ast.Assert):
            found.add(node)
        elif isinstance(node, ast.AnnAssign | ast.arg):
            found.update([node.annotation] if node.annotation is not None else [])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(node.decorator_list)
            if node.returns is not None:
                found.add(node.returns)
        elif isinstance(node, ast.ClassDef):
            found.update(node.decorator_list)
        elif (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING") or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            found.add(node)
    return found


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.AST]]:
    """What could stand in the place of a node, or of the condition that it hangs on."""
    made: ast.AST | None = None
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        made = ast.Compare(node.left, [_COMPARED[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        made = ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    elif isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
        made = ast.BinOp(node.left, _COMPUTED[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        made = node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        made = ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        made = ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        made = ast.Constant(node.value * 1.5 if node.value else 0.5)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        made = ast.Pass()
    if made is not None:
        assert isinstance(node, ast.expr | ast.stmt)
        yield node, made
    if isinstance(node, ast.If | ast.IfExp | ast.While) and isinstance(
        node.test, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.NamedExpr
    ):
        yield node.test, ast.UnaryOp(ast.Not(), node.test)
