"""Packages that only some users need: what to install is said in one line where one of them is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lvqa.errors import UsageError


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Around imports of packages that come with an extra of lvqa: `with needs_extra("plot", "a picture of a search")`.

    Raises UsageError, with what to install, where one of them is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        raise UsageError(f"{what} needs {package}, which is not installed: pip install 'lvqa[{extra}]'") from error
