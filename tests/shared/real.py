"""The switch that keeps real models out of tests: while it is off, the registry loads none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lvqa.models import registry

_allowed = False
_load = registry._load


class RealModelForbidden(BaseException):
    """A real model was about to be loaded where that is forbidden; no Exception, so that nothing recovers from it."""


@contextmanager
def real_models(*, allowed: bool) -> Iterator[None]:
    """Allow or forbid real models inside a `with`, in all threads, then put back what held before."""
    global _allowed
    before, _allowed = _allowed, allowed
    try:
        yield
    finally:
        _allowed = before


def _checked(role: registry.Role, spec: str, *more: Any, **options: Any) -> Any:
    registry.check_spec(role, spec)
    if not _allowed and spec.partition(":")[0] not in {"vision", "builtin"}:
        raise RealModelForbidden(
            f"{spec} would be loaded, and real models are forbidden here; "
            "use lvqa.models.fake, or mark the test real_models"
        )
    return _load(role, spec, *more, **options)


registry._load = _checked
