"""Values as HTML for notebooks and pages, and text made safe to show.

Whatever comes from a video or its file name is data: HTML is escaped, control characters are shown, never obeyed. Makes
no file access of its own: thumbnails come from a callable. Knows the values of lvqa.types, and neither archive nor
store.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from lvqa.phrasing import cited_text, cost_text, count, duration_text, escaped, for_terminal, is_cited, span_text
from lvqa.types import Answer, Computation, Evidence, Hit, Sight, Span, Step, Video, format_time

Thumbnailer = Callable[[str, float], bytes | None]
"""(path of the video in its archive, seconds) -> JPEG, or None where there is no picture to be had."""

_GRAY = "#777"
_BLUE = "#4477aa"


def answer_html(
    answer: Answer, thumbnail: Thumbnailer, durations: Mapping[str, float], base: str = ".", currency: str = ""
) -> str:
    """An answer: text, confidence, thumbnails that open a player, timeline, cost.

    `durations` gives the seconds of each video by path; `base` is the path from the page to the archive's folder;
    `currency` is that of the prices, where any is set.
    """
    head = ""
    if answer.question:
        head += f'<div style="color:{_GRAY}">{escape(for_terminal(answer.question))}</div>'
    weight = "normal;font-style:italic" if answer.abstained else "600"
    head += (
        f'<div style="font-size:115%;font-weight:{weight};margin:.3em 0">{escape(for_terminal(cited_text(answer)))} '
        f'<span style="font-weight:normal;font-style:normal;color:{_GRAY}">(confidence {answer.confidence:.2f})</span>'
        "</div>"
    )
    options = "".join(
        f'<li style="font-weight:{600 if i == answer.choice else 400}">{escape(for_terminal(option))}</li>'
        for i, option in enumerate(answer.options)
    )
    if options:
        head += f'<ol type="A" style="margin:.2em 0">{options}</ol>'
    marks = [f"[{n}] " if is_cited(answer) else "" for n in range(1, len(answer.evidence) + 1)]
    rows = [(e.video, e.span, mark + e.text, e.source) for mark, e in zip(marks, answer.evidence, strict=True)]
    cost = f'<div style="color:{_GRAY};font-size:85%">cost: {escape(cost_text(answer.cost, currency))}</div>'
    computed = "" if answer.abstained else "".join(map(_computed_html, answer.computed))
    return _box(head + _cards(rows, thumbnail, base) + timeline_svg(rows, durations) + computed + cost)


def _computed_html(computed: Computation) -> str:
    """What an operator computed, with its rows as a small table."""
    cells = ((row.video, span_text(row.span), for_terminal(row.event)) for row in computed.rows)
    cell = '<td style="padding:0 .8em 0 0">{}</td>'
    rows = "".join(f"<tr>{''.join(cell.format(escape(text)) for text in texts)}</tr>" for texts in cells)
    return f'<div style="font-size:85%">{escape(computed.operator.replace("_", " "))} of<table>{rows}</table></div>'


@dataclass(frozen=True, slots=True)
class Said:
    """A turn of a chat as it is shown: the question, what it was understood as, and what was answered."""

    question: str
    understood: str
    answer: str
    confidence: float
    abstained: bool
    evidence: Sequence[Evidence]


def chat_html(
    title: str,
    turns: Sequence[Said],
    thumbnail: Thumbnailer,
    durations: Mapping[str, float],
    base: str = ".",
    *,
    note: str = "",
) -> str:
    """A chat: its turns one below the other, each with its evidence; arguments as for `answer_html`."""
    shown = [f'<div style="color:{_GRAY}">chat {escape(escaped(title))}, {count(len(turns), "turn")}</div>']
    if note:
        shown.append(f'<div style="font-style:italic">{escape(for_terminal(note))}</div>')
    for turn in turns:
        meant = "" if turn.understood == turn.question else f"understood as: {for_terminal(turn.understood)}"
        weight = "normal;font-style:italic" if turn.abstained else "600"
        rows = [(e.video, e.span, e.text, e.source) for e in turn.evidence]
        shown.append(
            f'<div style="margin-top:.8em">{escape(for_terminal(turn.question))} '
            f'<span style="color:{_GRAY}">{escape(meant)}</span></div>'
            f'<div style="font-weight:{weight}">{escape(for_terminal(turn.answer))} '
            f'<span style="font-weight:normal;color:{_GRAY}">(confidence {turn.confidence:.2f})</span></div>'
            + _cards(rows, thumbnail, base)
            + timeline_svg(rows, durations)
        )
    return _box("".join(shown))


def hits_html(hits: Sequence[Hit], thumbnail: Thumbnailer, durations: Mapping[str, float], base: str = ".") -> str:
    """Search results as cards and a timeline; arguments as for `answer_html`."""
    if not hits:
        return _box(f'<div style="color:{_GRAY}">nothing found</div>')
    rows = [(h.video, h.span, h.note.text, h.note.source) for h in hits]
    return _box(_cards(rows, thumbnail, base) + timeline_svg(rows, durations))


def sights_html(
    sights: Sequence[Sight],
    thumbnail: Thumbnailer,
    durations: Mapping[str, float],
    note: str,
    plots: Sequence[bytes] = (),
    base: str = ".",
) -> str:
    """Where something was seen, as cards and a timeline; below them a line about the search, and its plots (PNG)."""
    rows = [
        (s.video, Span(s.time_s, s.time_s + 0.04), f"{s.score:.2f}", "seen" if s.seen else "not looked at, or unclear")
        for s in sights
    ]
    shown = _cards(rows, thumbnail, base) + timeline_svg(rows, durations)
    below = f'<div style="color:{_GRAY};font-size:85%">{escape(for_terminal(note))}</div>'
    data = (base64.b64encode(plot).decode("ascii") for plot in plots)
    drawn = "".join(f'<img src="data:image/png;base64,{one}" alt="search" style="max-width:100%">' for one in data)
    how = f"<details><summary>how it was searched</summary>{drawn}</details>" if drawn else ""
    return _box((shown or f'<div style="color:{_GRAY}">nothing found</div>') + below + how)


def archive_html(title: str, summary: str, videos: Iterable[Video], thumbnail: Thumbnailer, base: str = ".") -> str:
    """An archive: its summary line and its videos, each with a picture from its middle."""
    cards = "".join(
        _card(
            v.path,
            Span(0.0, v.duration_s),
            f"{duration_text(v.duration_s)}{f', {v.width}x{v.height}' if v.width else ''}",
            "",
            thumbnail(v.path, v.duration_s / 2),
            base,
        )
        for v in videos
    )
    return _box(
        f'<div style="font-weight:600">{escape(escaped(title))}</div><div style="color:{_GRAY}">'
        f'{escape(escaped(summary))}</div><div style="display:flex;flex-wrap:wrap;gap:.6em;margin:.5em 0">{cards}</div>'
    )


def strip_html(video: str, pictures: Sequence[tuple[float, bytes]]) -> str:
    """Frames of one video side by side: (seconds, JPEG) each."""
    cells = "".join(
        f'<figure style="margin:0"><img src="{_data_uri(jpeg)}" alt="{format_time(t)}" style="display:block">'
        f'<figcaption style="font-size:80%;color:{_GRAY}">{format_time(t, milliseconds=True)}</figcaption></figure>'
        for t, jpeg in pictures
    )
    return _box(f'<div>{escape(escaped(video))}</div><div style="display:flex;flex-wrap:wrap;gap:.4em">{cells}</div>')


def steps_html(steps: Sequence[Step]) -> str:
    """The agent's steps so far, a line each."""
    rows = "".join(
        f'<li><span style="color:{_GRAY}">{escape(escaped(step.node))}</span> {escape(for_terminal(step.summary))}</li>'
        for step in steps
    )
    return _box(f'<ol style="font-size:85%">{rows}</ol>')


def timeline_svg(rows: Sequence[tuple[str, Span, str, str]], durations: Mapping[str, float]) -> str:
    """A bar for each video, marked where its rows lie; a row is (video, span, text, source)."""
    if not rows:
        return ""
    videos = list(dict.fromkeys(video for video, *_ in rows))
    width, label, row_height = 640, 180, 20
    bar = width - label - 60
    parts = []
    for line, video in enumerate(videos):
        spans = [(span, text, source) for v, span, text, source in rows if v == video]
        length = max([durations.get(video, 0.0), *(span.end_s for span, _, _ in spans)])
        y = line * row_height
        name = escaped(video)
        name = name if len(name) <= 26 else "…" + name[-25:]
        parts.append(f'<text x="0" y="{y + 13}">{escape(name)}</text>')
        parts.append(f'<rect x="{label}" y="{y + 4}" width="{bar}" height="10" rx="2" fill="#ddd"/>')
        parts.append(f'<text x="{label + bar + 4}" y="{y + 13}" fill="{_GRAY}">{format_time(length)}</text>')
        for span, text, source in spans:
            x = label + bar * span.start_s / length
            w = max(3.0, bar * span.duration_s / length)
            title = escape(f"{span_text(span)} [{source}] {for_terminal(text, 200)}")
            parts.append(
                f'<rect x="{min(x, label + bar - w):.1f}" y="{y + 2}" width="{w:.1f}" height="14" rx="2" '
                f'fill="{_BLUE}" fill-opacity="0.7"><title>{title}</title></rect>'
            )
    height = len(videos) * row_height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" role="img" aria-label="timeline">{"".join(parts)}</svg>'
    )


def _cards(rows: Sequence[tuple[str, Span, str, str]], thumbnail: Thumbnailer, base: str) -> str:
    cards = "".join(
        _card(video, span, for_terminal(text, 300), source, thumbnail(video, span.middle_s), base)
        for video, span, text, source in rows
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:.6em;margin:.5em 0">{cards}</div>' if cards else ""


def _card(video: str, span: Span, text: str, source: str, jpeg: bytes | None, base: str) -> str:
    picture = (
        f'<img src="{_data_uri(jpeg)}" alt="" style="display:block;max-width:160px">'
        if jpeg
        else f'<div style="width:160px;height:90px;background:#eee;color:{_GRAY};text-align:center;line-height:90px">'
        "no picture</div>"
    )
    # `preload=none`: nothing is fetched before the picture is clicked. quote() also defuses a `javascript:` file name.
    source_url = f"{base}/{quote(video, errors='surrogatepass')}#t={span.start_s:g},{span.end_s:g}"
    badge = f' <span style="color:{_GRAY}">[{escape(source)}]</span>' if source else ""
    return (
        '<div style="width:170px;font-size:85%"><details><summary style="list-style:none;cursor:pointer" '
        f'title="play">{picture}</summary><video src="{escape(source_url)}" controls preload="none" '
        'style="width:100%"></video></details>'
        f'<div style="color:{_GRAY};overflow-wrap:anywhere">{escape(escaped(video))}<br>{span_text(span)}</div>'
        f'<div style="overflow-wrap:anywhere">{escape(text)}{badge}</div></div>'
    )


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _box(inner: str) -> str:
    return f'<div class="lvqa" style="max-width:900px">{inner}</div>'
