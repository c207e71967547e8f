"""Prints answers, hits and reports: JSON for programs, aligned lines for people.

Answers go to stdout, progress and complaints to stderr. Everything that may come from a video goes through
`lvqa.render.safe`, so that no file name and no caption reaches the terminal as a control sequence. Knows values only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lvqa.render import cost_text, count, one_line, safe, span_text
from lvqa.types import Answer, Span, Step

if TYPE_CHECKING:
    from lvqa.indexers import SummaryReport

_TEXT_LIMIT = 160


def out(line: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(line + "\n")


def note(line: str) -> None:
    """Write a line about what goes on to stderr."""
    sys.stdout.flush()
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def out_json(data: Any) -> None:
    """Write data as JSON to stdout, in ASCII, so that it survives any terminal and any locale."""
    out(json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False))


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows as lines of left-aligned columns; the last column is not padded."""
    cells = [[safe(cell) for cell in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [max((len(row[i]) for row in cells if i < len(row)), default=0) for i in range(columns)]
    return [(indent + "  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row))).rstrip() for row in cells]


def moments(rows: Iterable[tuple[str, Span, str, str]]) -> list[str]:
    """Lines of video, interval, text and source."""
    return table(
        (video, span_text(span), f"{one_line(text, _TEXT_LIMIT)}", f"[{source}]") for video, span, text, source in rows
    )


def answer_lines(answer: Answer) -> list[str]:
    """An answer as people read it: text and confidence, its evidence, its cost."""
    text = one_line(answer.text)
    if answer.choice is not None:
        letter = chr(ord("A") + answer.choice) if answer.choice < 26 else str(answer.choice + 1)
        text = f"({letter}) {text}"
    lines = [f"{text}   (confidence {answer.confidence:.2f})"]
    if answer.abstained and answer.evidence:
        lines.append("  the nearest that was found:")
    lines += moments((e.video, e.span, e.text, e.source) for e in answer.evidence)
    lines.append(f"  cost: {cost_text(answer.cost)}")
    return lines


def summary_lines(report: SummaryReport) -> list[str]:
    """What the summaries of a run took, where a chat model was asked."""
    if not report.llm_calls:
        return []
    tokens = f"{report.tokens_in + report.tokens_out:,}".replace(",", " ")
    line = f"  summaries: {count(report.llm_calls, 'LLM call')}, {tokens} tokens"
    if report.unparsed:
        line += f", {report.unparsed} extracted because the reply was empty or a refusal, twice"
    return [line]


def step_line(step: Step) -> str:
    """One step of the agent."""
    return f"  {step.node + ':':<9} {one_line(step.summary)}"
