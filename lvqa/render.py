"""Values as HTML for notebooks and pages.

The HTML itself is in `lvqa/templates`; what is computed for it (addresses, pictures, places on a timeline) is here.
Whatever comes from a video or its file name is data: the templates escape every value, and control characters are
shown, never obeyed. Makes no file access of its own but for the templates: thumbnails come from a callable. Knows the
values of lvqa.types and the turns of a chat, and neither archive nor store.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lvqa.phrasing import cited_text, cost_text, count, duration_text, escaped, for_terminal, is_cited, span_text
from lvqa.types import Answer, Hit, Sighting, Span, Step, Video, format_time

if TYPE_CHECKING:
    from jinja2 import Environment

    from lvqa.agents.chat.turns import Turn

Thumbnailer = Callable[[str, float], bytes | None]
"""(path of the video in its archive, seconds) -> JPEG, or None where there is no picture to be had."""

_Place = tuple[str, Span, str, str]
"""(video, span, text, source): one place in the videos, as cards and timelines show it."""

_BAR_WIDTH = 400
"""Pixels that a whole video takes on a timeline; `templates/parts.html` draws it as wide."""


@dataclass(frozen=True, slots=True)
class _Card:
    """A place with its picture (a data URI, empty where there is none) and the address that plays it."""

    video: str
    when: str
    text: str
    source: str
    url: str
    picture: str


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place on a video's bar: pixels from the bar's left end, pixels wide, and what it says when pointed at."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class _Bar:
    """A video's line of a timeline: its name and length in words, and its marks."""

    name: str
    length: str
    marks: Sequence[_Mark]


def answer_html(
    answer: Answer, thumbnail: Thumbnailer, durations: Mapping[str, float], base: str = ".", currency: str = ""
) -> str:
    """An answer: text, confidence, thumbnails that open a player, timeline, cost.

    `durations` gives the seconds of each video by path; `base` is the path from the page to the archive's folder;
    `currency` is that of the prices, where any is set.
    """
    marks = [f"[{n}] " if is_cited(answer) else "" for n in range(1, len(answer.evidence) + 1)]
    places = [(e.video, e.span, mark + e.text, e.source) for mark, e in zip(marks, answer.evidence, strict=True)]
    return _html(
        "answer",
        question=answer.question,
        text=cited_text(answer),
        confidence=answer.confidence,
        abstained=answer.abstained,
        options=answer.options,
        choice=answer.choice,
        shown=_cards(places, thumbnail, base),
        bars=_bars(places, durations),
        computed=() if answer.abstained else answer.computed,
        cost=cost_text(answer.cost, currency),
    )


def chat_html(
    title: str,
    turns: Sequence[Turn],
    thumbnail: Thumbnailer,
    durations: Mapping[str, float],
    base: str = ".",
    *,
    note: str = "",
) -> str:
    """A chat: its turns one below the other, each with its evidence; arguments as for `answer_html`."""
    shown = []
    for turn in turns:
        places = [(e.video, e.span, e.text, e.source) for e in turn.evidence]
        shown.append((turn, _cards(places, thumbnail, base), _bars(places, durations)))
    return _html("chat", title=title, count=count(len(turns), "turn"), note=note, turns=shown)


def hits_html(hits: Sequence[Hit], thumbnail: Thumbnailer, durations: Mapping[str, float], base: str = ".") -> str:
    """Search results as cards and a timeline; arguments as for `answer_html`."""
    places = [(h.video, h.span, h.note.text, h.note.source) for h in hits]
    return _html("found", shown=_cards(places, thumbnail, base), bars=_bars(places, durations), note=None, plots=())


def sights_html(
    sights: Sequence[Sighting],
    thumbnail: Thumbnailer,
    durations: Mapping[str, float],
    note: str,
    plots: Sequence[bytes] = (),
    base: str = ".",
) -> str:
    """Where something was seen, as cards and a timeline; below them a line about the search, and its plots (PNG)."""
    places = [
        (s.video, Span(s.time_s, s.time_s + 0.04), f"{s.score:.2f}", "seen" if s.seen else "not looked at, or unclear")
        for s in sights
    ]
    return _html(
        "found",
        shown=_cards(places, thumbnail, base),
        bars=_bars(places, durations),
        note=note,
        plots=[_data_uri(plot, "png") for plot in plots],
    )


def archive_html(title: str, summary: str, videos: Iterable[Video], thumbnail: Thumbnailer, base: str = ".") -> str:
    """An archive: its summary line and its videos, each with a picture from its middle."""
    cards = [
        _card(
            v.path,
            Span(0.0, v.duration_s),
            f"{duration_text(v.duration_s)}{f', {v.width}x{v.height}' if v.width else ''}",
            "",
            thumbnail(v.path, v.duration_s / 2),
            base,
        )
        for v in videos
    ]
    return _html("archive", title=title, summary=summary, videos=cards)


def strip_html(video: str, pictures: Sequence[tuple[float, bytes]]) -> str:
    """Frames of one video side by side: (seconds, JPEG) each."""
    frames = [(format_time(t), format_time(t, milliseconds=True), _data_uri(jpeg)) for t, jpeg in pictures]
    return _html("strip", video=video, frames=frames)


def steps_html(steps: Sequence[Step]) -> str:
    """The agent's steps so far, a line each."""
    return _html("steps", steps=steps)


def _html(template: str, **values: Any) -> str:
    """Fill one of the templates; every value is escaped by it."""
    return _environment().get_template(f"{template}.html").render(**values).strip()


@cache
def _environment() -> Environment:
    """The templates. Made when HTML is first asked for, so that importing this module does not load jinja2."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(loader=FunctionLoader(_template), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"line": for_terminal, "visible": escaped, "when": span_text}
    return environment


def _template(name: str) -> str:
    """A template as one line: a page holds no line break, so that one in a text of a video would show."""
    return "".join(Path(__file__).with_name("templates").joinpath(name).read_text(encoding="utf-8").splitlines())


def _cards(places: Sequence[_Place], thumbnail: Thumbnailer, base: str) -> list[_Card]:
    return [
        _card(video, span, for_terminal(text, 300), source, thumbnail(video, span.middle_s), base)
        for video, span, text, source in places
    ]


def _card(video: str, span: Span, text: str, source: str, jpeg: bytes | None, base: str) -> _Card:
    # quote() also defuses a `javascript:` file name.
    url = f"{base}/{quote(video, errors='surrogatepass')}#t={span.start_s:g},{span.end_s:g}"
    return _Card(video, span_text(span), text, source, url, _data_uri(jpeg) if jpeg else "")


def _bars(places: Sequence[_Place], durations: Mapping[str, float]) -> list[_Bar]:
    """A bar for each video of the places, in the order of their first."""
    bars = []
    for video in dict.fromkeys(video for video, *_ in places):
        here = [(span, text, source) for v, span, text, source in places if v == video]
        length = max([durations.get(video, 0.0), *(span.end_s for span, _, _ in here)])
        name = escaped(video)
        bars.append(
            _Bar(
                name if len(name) <= 26 else "…" + name[-25:],
                format_time(length),
                [
                    _mark(span, length, f"{span_text(span)} [{source}] {for_terminal(text, 200)}")
                    for span, text, source in here
                ],
            )
        )
    return bars


def _mark(span: Span, length: float, title: str) -> _Mark:
    """Where a span of a video of that length lies on its bar: three pixels wide at least, and never over its end."""
    width = max(3.0, _BAR_WIDTH * span.duration_s / length)
    return _Mark(min(_BAR_WIDTH * span.start_s / length, _BAR_WIDTH - width), width, title)


def _data_uri(data: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
