"""Values in words: counts, durations, sizes, costs, lists; and text from videos made safe for a terminal.

Whatever comes from a video or its file name is data: control characters are shown, never obeyed. Knows the values of
lvqa.types and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from lvqa.characters import without_floods
from lvqa.types import Answer, Cost, Span, format_time

# C0, DEL and C1 move cursors and set titles; the bidirectional marks make a text read as another; lone surrogates
# (undecodable bytes of a file name) cannot be encoded at all; tags, word joiners and the like hide a text in another.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e0fff]"
)
_CELL = str.maketrans({"\\": "\\\\", "|": "\\|", "`": "\\`", "<": "&lt;"})


def escaped(text: str) -> str:
    r"""Show a text on one line: every control character becomes its escape, such as `\x1b` or `\n`.

    Of combining marks without end the first few stay.
    """
    return _UNSAFE.sub(lambda m: m[0].encode("unicode_escape").decode(), without_floods(text))


def for_terminal(text: str, limit: int | None = None) -> str:
    """Join the lines of a text with spaces, show other control characters, and cut it to `limit` characters."""
    joined = escaped(" ".join(text.split()))
    return joined if limit is None or len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def markdown_cell(text: str) -> str:
    """A text as one cell of a Markdown table: on one line, without a cell, code, tag or link of its own."""
    return for_terminal(text).translate(_CELL).replace("](", "]\\(")


def span_text(span: Span) -> str:
    """`00:03:10-00:03:14`; with milliseconds where both ends would read the same."""
    plain = str(span)
    start, end = plain.split("-")
    if start != end:
        return plain
    return f"{format_time(span.start_s, milliseconds=True)}-{format_time(span.end_s, milliseconds=True)}"


def count(number: int, noun: str) -> str:
    """`1 frame`, `1 912 tokens`."""
    return f"{number:,}".replace(",", " ") + f" {noun}{'' if number == 1 else 's'}"


def cost_text(cost: Cost, currency: str = "", *, timed: bool = True) -> str:
    """`14 frames looked at, 3 VLM calls, 2 LLM calls, 1 912 tokens, 4.1 s, 0.0123 USD`.

    Money is told where there is a currency, seconds where they were `timed`.
    """
    parts = [
        count(cost.frames, "frame") + " looked at",
        count(cost.vlm_calls, "VLM call"),
        count(cost.llm_calls, "LLM call"),
        count(cost.tokens_in + cost.tokens_out, "token"),
    ]
    parts += [f"{cost.seconds:.1f} s"] if timed else []
    parts += [f"{money_text(cost.money)} {escaped(currency)}"] if currency else []
    return ", ".join(parts)


def money_text(money: float) -> str:
    """`0.0123`; with six decimals what is less than a hundredth."""
    return f"{money:.4f}" if money == 0 or money >= 0.01 else f"{money:.6f}"


def duration_text(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 03 min`."""
    s = round(seconds)
    if s < 60:
        return f"{s} s"
    if s < 3600:
        return f"{s // 60} min {s % 60:02d} s"
    return f"{s // 3600} h {s % 3600 // 60:02d} min"


def size_text(size: float) -> str:
    """`640 bytes`, `1.4 MB`, `16 GB`; decimal units, two digits at least."""
    if size < 1000:
        return f"{size:.0f} bytes"
    steps = min(4, int(math.log10(size)) // 3)
    scaled = size / 1000**steps
    return f"{scaled:.1f} {'kMGT'[steps - 1]}B" if scaled < 10 else f"{scaled:.0f} {'kMGT'[steps - 1]}B"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in one line, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(for_terminal(name, 200) for name in names[:most]) + more


def is_cited(answer: Answer) -> bool:
    """Whether an answer's text is its statements, so that each sentence can show what it cites."""
    return bool(answer.statements) and answer.text == " ".join(said.text for said in answer.statements)


def cited_text(answer: Answer) -> str:
    """An answer's text, each sentence with the numbers, from 1, of the evidence that it cites, where they are known."""
    if not is_cited(answer):
        return answer.text
    return " ".join(
        f"{said.text} {''.join(f'[{n + 1}]' for n in said.evidence)}".rstrip() for said in answer.statements
    )
