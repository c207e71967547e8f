"""For notebooks: ask while watching the agent's steps, and look at the frames of an interval.

`Archive`, its answers and its hits show themselves (`_repr_html_`); this is what a bare value cannot do. Needs IPython
only where it displays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lvqa import render
from lvqa.archive.archive import Archive
from lvqa.errors import UsageError
from lvqa.types import Answer, Evidence, Hit, Span, Step


@dataclass(frozen=True, slots=True)
class Filmstrip:
    """Frames of one video side by side: JPEG bytes with their times in seconds."""

    video: str
    pictures: Sequence[tuple[float, bytes]]

    def _repr_html_(self) -> str:
        return render.strip_html(self.video, self.pictures)


def filmstrip(archive: Archive, where: Evidence | Hit | tuple[str, Span], n: int = 6, max_side: int = 160) -> Filmstrip:
    """Show `n` evenly spaced frames of a piece of evidence, a hit, or (video, span).

    Raises UsageError for n below 1, MediaError where the video cannot be read.
    """
    from lvqa.media import locate, thumbnail

    if n < 1:
        raise UsageError(f"n must be at least 1, got {n}")
    video, span = where if isinstance(where, tuple) else (where.video, where.span)
    path = locate(archive.folder, video)
    times = [span.start_s + (i + 0.5) * span.duration_s / n for i in range(n)]
    return Filmstrip(video, [(t, thumbnail(path, t, max_side)) for t in times])


def ask(archive: Archive, question: str, options: Sequence[str] | None = None, **kwargs: Any) -> Answer:
    """`archive.ask`, with each step of the agent shown below the cell as it happens; keywords as there."""
    import IPython.display as shows

    html: Any = shows.HTML
    steps: list[Step] = []
    shown: Any = shows.display(html(""), display_id=True)  # type: ignore[no-untyped-call]

    def on_step(step: Step) -> None:
        steps.append(step)
        if shown is not None:  # None outside of a notebook
            shown.update(html(render.steps_html(steps)))

    return archive.ask(question, options, on_step=on_step, **kwargs)
