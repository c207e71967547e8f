from __future__ import annotations

from pathlib import Path

import pytest

from lvqa.errors import UsageError
from lvqa.eval.lab.retrieval import visual
from lvqa.types import Hit, Note, Span


def _hit(video: str, start_s: float) -> Hit:
    return Hit(video, Note(f"{video}{start_s}", video, None, Span(start_s, start_s + 4), "text", "caption"), 0.1)


def test_a_hit_overlaps_a_window_of_the_right_video():
    asked = visual.VisualQuestion("a star", frozenset(), (("a.mp4", 10.0, 12.0),))
    assert asked.score([_hit("a.mp4", 8.5)]) == (True, True)
    assert asked.score([_hit("a.mp4", 12.0)]) == (False, True)
    assert asked.score([_hit("b.mp4", 10.0)]) == (False, False)
    assert asked.score([]) == (False, False)


def test_a_folder_without_a_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(UsageError, match="cannot read"):
        visual.run(tmp_path)
    assert visual.main(["--world", str(tmp_path)]) == 2
    assert "lvqa: cannot read" in capsys.readouterr().err
