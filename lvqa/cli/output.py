"""Prints answers, hits and reports: JSON for programs, aligned lines for people.

Answers go to stdout, progress and complaints to stderr. Everything that may come from a video goes through
`lvqa.phrasing`, so that no file name and no caption reaches the terminal as a control sequence. Knows values only.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.phrasing import cited_text, cost_text, count, duration_text, escaped, for_terminal, is_cited, span_text
from lvqa.types import Answer, Sighting, Span, Step, format_time

if TYPE_CHECKING:
    from lvqa.agents.cost.estimate import Estimate
    from lvqa.archive.results import SightingList
    from lvqa.indexers import SummaryReport

_TEXT_LIMIT, _ANSWER_LIMIT = 160, 2000
# A longer cell stands out of its column instead of pushing the others away.
_WIDEST = 160


def out(*lines: str) -> None:
    """Write lines to stdout."""
    for line in lines:
        sys.stdout.write(line + "\n")


def note(*lines: str) -> None:
    """Write lines about what goes on to stderr."""
    sys.stdout.flush()
    for line in lines:
        sys.stderr.write(line + "\n")
    sys.stderr.flush()


def note_step(step: Step) -> None:
    """Write a step of the agent to stderr, those of a sub-question below it."""
    note(step_line(step), *(f"  {step_line(one)}" for one in getattr(step, "steps", ())))


def out_json(data: Any) -> None:
    """Write data as JSON to stdout, in ASCII, so that it survives any terminal and any locale."""
    out(json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False))


def out_json_line(data: Any) -> None:
    """Write data as JSON on one line of stdout, at once: a program may wait for it."""
    out(json.dumps(data, ensure_ascii=True, allow_nan=False))
    sys.stdout.flush()


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows as lines of left-aligned columns; the last column is not padded."""
    cells = [[escaped(cell) for cell in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [
        max((len(row[i]) for row in cells if i < len(row) and len(row[i]) <= _WIDEST), default=0)
        for i in range(columns)
    ]
    return [(indent + "  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row))).rstrip() for row in cells]


def moments(rows: Iterable[tuple[str, Span, str, str]], indent: str = "  ") -> list[str]:
    """Lines of video, interval, text and source."""
    return table(
        (
            (video, span_text(span), for_terminal(text, _TEXT_LIMIT), f"[{source}]")
            for video, span, text, source in rows
        ),
        indent,
    )


def sight_lines(sights: Sequence[Sighting], pictures: Mapping[int, str]) -> list[str]:
    """Lines of video, time, score, whether it was seen, and the picture's file where there is one, by number."""
    return table(
        (
            (
                sight.video,
                format_time(sight.time_s, milliseconds=True),
                f"{sight.score:.2f}",
                "[seen]" if sight.seen else "[not seen]",
                pictures.get(n, ""),
            )
            for n, sight in enumerate(sights)
        ),
        indent="",
    )


def thumbnails(sights: SightingList, folder: Path) -> dict[int, str]:
    """Write a small JPEG of each sight, and return their files by number. Raises UsageError where that is not possible.

    A video that cannot be read has none.
    """
    from lvqa.archive.results import thumbnailer
    from lvqa.errors import UsageError

    picture, written = thumbnailer(sights.folder), {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for n, sight in enumerate(sights):
            jpeg = picture(sight.video, sight.time_s)
            if jpeg is not None:
                stem = re.sub(r"[^\w.-]+", "_", Path(sight.video).stem)[:80]
                path = folder / f"{n + 1:02d}-{stem}-{sight.time_s:.3f}.jpg"
                path.write_bytes(jpeg)
                written[n] = str(path)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror or error}); name another folder") from error
    return written


def answer_dict(answer: Answer, steps: bool) -> dict[str, Any]:
    """The fields of an answer, and with `steps` those of each step to it."""
    return answer.to_dict() | ({"steps": [step.to_dict() for step in answer.steps]} if steps else {})


def answer_lines(answer: Answer, currency: str = "") -> list[str]:
    """An answer as people read it: text and confidence, its evidence, its cost."""
    text = for_terminal(cited_text(answer), _ANSWER_LIMIT)
    if answer.choice is not None:
        letter = chr(ord("A") + answer.choice) if answer.choice < 26 else str(answer.choice + 1)
        text = f"({letter}) {text}"
    lines = [f"{text}   (confidence {answer.confidence:.2f})"]
    if answer.abstained and answer.evidence:
        lines.append("  the nearest that was found:")
    shown = list(enumerate(answer.evidence, 1))
    if is_cited(answer):
        lines += table(
            (f"[{n}]", e.video, span_text(e.span), for_terminal(e.text, _TEXT_LIMIT), f"[{e.source}]") for n, e in shown
        )
    else:
        lines += moments((e.video, e.span, e.text, e.source) for _, e in shown)
    for one in answer.computed if not answer.abstained else ():
        lines.append(f"  computed: {one.operator.replace('_', ' ')} of")
        rows = ((row.video, span_text(row.span), for_terminal(row.event, _TEXT_LIMIT)) for row in one.rows)
        lines += table(rows, indent="    ")
    lines.append(f"  cost: {cost_text(answer.cost, currency)}")
    return lines


def estimate_lines(expected: Estimate) -> list[str]:
    """What an answer would take, at most and likely, and from what that follows."""
    currency, likely = expected.prices.shown, expected.likely
    # The budget's tokens are those in and out together.
    most = replace(expected.most, tokens_out=0)
    return [
        f"at most {cost_text(most, currency, timed=expected.timed)}",
        f"likely  {cost_text(likely, currency) if likely is not None else 'not known yet'}",
        f"  {for_terminal(expected.why)}",
    ]


def summary_lines(report: SummaryReport) -> list[str]:
    """What the summaries of a run took, where a chat model was asked."""
    if not report.llm_calls:
        return []
    tokens = f"{report.tokens_in + report.tokens_out:,}".replace(",", " ")
    line = f"  summaries: {count(report.llm_calls, 'LLM call')}, {tokens} tokens"
    if report.unparsed:
        line += f", {report.unparsed} extracted because the reply was empty or a refusal, twice"
    return [line]


def run_line(run: Mapping[str, Any]) -> str:
    """The run under way: who, since when, how far, and when it last gave a sign of life."""
    quiet = duration_text(run["quiet_s"])
    life = f"no sign of life for {quiet}" if run["silent"] else f"last sign of life {quiet} ago"
    left = f", about {duration_text(run['eta_s'])} left" if run["eta_s"] is not None else ""
    far = f"{run['videos']} of {count(run['videos_total'], 'video')} done" if run["videos_total"] else run["phase"]
    since = run["since"].partition(".")[0].replace("T", " ")
    return f"lvqa {run['call']}, process {run['pid']} on {run['host']} since {since} UTC: {far}{left}; {life}"


def step_line(step: Step) -> str:
    """One step of the agent."""
    return f"  {step.node + ':':<9} {for_terminal(step.summary)}"
