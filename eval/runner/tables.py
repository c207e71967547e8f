"""Figures of several systems as tables: rows of texts, and those as Markdown or as lines. Knows figures only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lvqa.eval.metrics import Mean
from lvqa.eval.runner.score import Gain, Summary
from lvqa.phrasing import markdown_cell

Table = list[list[str]]
_Cell = Callable[[Summary], str]

LEGEND = (
    "Grounding is that of the first piece of evidence (IoU, IoP; Acc@GQA: right, and IoP at least 0.5), and "
    "LV-Haystack's temporal precision, recall and F1 at 5 s of all pieces, over the questions that have gold windows. "
    "ECE is the expected calibration error of what was answered. AURC is the mean, over every number k of questions, "
    "of the share wrong among the k most confident, an abstention having confidence 0; top half is the accuracy of the "
    "more confident half. Frames, calls (of the VLM), LLM calls, tokens and seconds are means a question."
)


def main_table(summaries: Sequence[Summary]) -> Table:
    """A row a system: accuracy, grounding, refusals, calibration and cost; empty columns are left out.

    Accuracies carry their clustered standard error. Costs are means a question.
    """
    columns: list[tuple[str, _Cell]] = [
        ("system", lambda s: s.system),
        ("accuracy", lambda s: mean_text(s.accuracy)),
        ("events", lambda s: mean_text(s.events)),
        ("Acc@GQA", lambda s: mean_text(s.acc_gqa)),
        ("IoU", lambda s: mean_text(s.iou, error=False)),
        ("IoP", lambda s: mean_text(s.iop, error=False)),
        ("P", lambda s: mean_text(s.precision, error=False)),
        ("R", lambda s: mean_text(s.recall, error=False)),
        ("F1", lambda s: mean_text(s.f1, error=False)),
        ("refused", lambda s: mean_text(s.refused, error=False)),
        ("wrongly refused", lambda s: mean_text(s.wrongly_refused, error=False)),
        ("ECE", lambda s: "" if s.calibration is None else f"{s.calibration:.2f}"),
        ("AURC", lambda s: "" if s.risk is None else f"{s.risk.aurc:.2f}"),
        ("top half", lambda s: "" if s.risk is None else f"{s.risk.half:.2f}"),
        ("frames", lambda s: f"{s.costs['frames']:.1f}"),
        ("calls", lambda s: f"{s.costs['vlm_calls']:.1f}"),
        ("LLM calls", lambda s: f"{s.costs['llm_calls']:.1f}"),
        ("tokens", lambda s: f"{s.costs['tokens_in'] + s.costs['tokens_out']:.0f}"),
        ("s", lambda s: f"{s.costs['seconds']:.2f}"),
        ("money", lambda s: f"{s.costs['money']:.4f}" if s.costs["money"] else ""),
        ("unparsed", lambda s: str(s.unparsed)),
        ("errors", lambda s: str(s.errors)),
    ]
    kept = [(head, [cell(s) for s in summaries]) for head, cell in columns]
    kept = [(head, cells) for head, cells in kept if any(cells)]
    return [[head for head, _ in kept], *([cells[n] for _, cells in kept] for n in range(len(summaries)))]


def grounding_table(summaries: Sequence[Summary]) -> Table:
    """A row a system that has gold windows: IoU and IoP and the shares of them at or above 0.3 and 0.5."""
    names = ("iou", "iou_03", "iou_05", "iop", "iop_03", "iop_05", "acc_gqa")
    heads = ("mIoU", "IoU>=0.3", "IoU>=0.5", "mIoP", "IoP>=0.3", "IoP>=0.5", "Acc@GQA")
    rows = [[s.system, *(mean_text(getattr(s, name)) for name in names)] for s in summaries if s.iou is not None]
    return [["system", *heads], *rows]


def type_table(summaries: Sequence[Summary]) -> Table:
    """A row a type of question, a column a system."""
    names = list(dict.fromkeys(name for s in summaries for name in s.by_type))
    rows = [["type", "n", *(s.system for s in summaries)]]
    for name in names:
        n = max((s.by_type[name].questions for s in summaries if name in s.by_type), default=0)
        rows.append([name.replace("_", " "), str(n), *(mean_text(s.by_type.get(name)) for s in summaries)])
    return rows


def reliability_table(summary: Summary) -> Table:
    """A row a bin of confidence: how many answers, their mean confidence, how many of them were right."""
    rows = [
        [f"{b.low:.1f}-{b.high:.1f}", str(b.n), f"{b.confidence:.2f}", f"{b.accuracy:.2f}"] for b in summary.reliability
    ]
    return [["confidence", "n", "mean", "accuracy"], *rows]


def gain_line(gain: Gain, what: str) -> str:
    """What a system has right more than another, in words; `what` are the questions."""
    line = f"{gain.system} over {gain.over}, {gain.questions} {what}: {gain.difference:+.3f}"
    if gain.error is not None and gain.low is not None and gain.high is not None and gain.p_value is not None:
        line += f" ± {gain.error:.3f}, 95 % interval {gain.low:+.3f} to {gain.high:+.3f}, {_p(gain.p_value)}"
    else:
        why = "one video" if gain.clusters == 1 else "the same in every video"
        line += f" ({why}: no error can be told)"
    return f"{line}, {gain.clusters} video{'s' * (gain.clusters != 1)}; McNemar's {_p(gain.mcnemar)}"


def mean_text(mean: Mean | None, *, error: bool = True) -> str:
    """`0.62 ± 0.03`; the error is left out where it is unknown, or not wanted."""
    if mean is None:
        return ""
    return f"{mean.value:.2f}" + ("" if not error or math.isinf(mean.error) else f" ± {mean.error:.2f}")


def markdown(table: Table) -> list[str]:
    """A table as lines of Markdown; what is markup in a cell is escaped."""
    head, *rows = [list(map(markdown_cell, row)) for row in table]
    rule = ["---", *("---:" for _ in head[1:])]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]


def aligned(table: Table) -> list[str]:
    """A table as lines of columns, numbers to the right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in table]


def _p(value: float) -> str:
    return f"p = {value:.4f}" if value >= 0.0001 else "p < 0.0001"
