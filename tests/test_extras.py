"""A package that comes with an extra, and is missing, is told of in one line."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from lvqa.errors import UsageError, needs_extra
from lvqa.zoom.searchers.videotree import breadth


def test_what_to_install_is_said():
    with pytest.raises(UsageError) as told, needs_extra("plot", "a picture of a search"):
        import no_such_package.inside  # noqa: F401
    wanted = "a picture of a search needs no_such_package, which is not installed: pip install 'lvqa[plot]'"
    assert str(told.value) == wanted


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), needs_extra("plot", "a picture"):
        _ = 1 / 0


def test_videotree_without_scikit_learn(monkeypatch):
    for name in ("sklearn", "sklearn.cluster"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"videotree needs sklearn.*pip install 'lvqa\[rivals\]'"):
        breadth(np.eye(4), lambda rows: rows, width=2, widest=4, threes=1, seed=0)
