"""What keyframes stand for: a stretch of time inside their video."""

import pytest

from lvqa.agents.nodes.inspect import span_of
from lvqa.agents.rules.numbers import LOOKING
from lvqa.types import Keyframe, Span


@pytest.mark.parametrize(
    ("times", "duration_s", "span"),
    [
        ([2.0], None, Span(2.0, 2.0 + LOOKING.frame_s)),
        ([2.0, 5.5], 60.0, Span(2.0, 5.5 + LOOKING.frame_s)),
        ([2.0, 5.5], 6.0, Span(2.0, 6.0)),
        ([5.9], 6.0, Span(5.9, 6.0)),
    ],
)
def test_a_look_ends_with_its_video(times: list[float], duration_s: float | None, span: Span) -> None:
    assert span_of([Keyframe("v", t) for t in times], duration_s) == span
