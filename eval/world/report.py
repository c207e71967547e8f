"""The report of a benchmark run: a Markdown file with its tables, and the tables as text. Knows figures only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lvqa.eval.metrics import Mean
from lvqa.eval.world.chart import draw
from lvqa.eval.world.score import CHANCE, Gain, Summary
from lvqa.render import duration_text, markdown_cell

if TYPE_CHECKING:
    from lvqa.eval.world.bench import Outcome

_WHAT = {
    "lvqa": "the agent as users have it",
    "llovi": "index captions and subtitles alone, in order of time: no visual channel, no look",
    "videoagent": "five frames described, then up to three rounds of the nearest frames of segments not seen",
    "videotree": "the frames at the centres of clusters of the visual channel, more where they are relevant",
    "uniform": "the VLM's descriptions of as many frames as the agent may look at, evenly spaced, and subtitles",
    "oracle captions": "a true description of every second, and subtitles; no look",
    "oracle frames": "the agent's looks, in the gold windows before anywhere else",
    "blind": "question and options only, with what other worlds' questions teach",
    "random": "an option at random",
}
Table = list[list[str]]


def write(outcome: Outcome) -> None:
    """Write `report.md` and `report.png` beside the results."""
    draw(outcome.folder / "report.png", outcome.summaries)
    (outcome.folder / "report.md").write_text(markdown(outcome), encoding="utf-8")


def markdown(outcome: Outcome) -> str:
    """The report as Markdown."""
    world = outcome.world
    lines = [
        f"# World benchmark: {world.minutes:g} minutes, seed {world.seed}",
        "",
        f"{outcome.questions} questions with five options each, about {len(world.videos)} videos of "
        f"{duration_text(60 * world.minutes / len(world.videos))}. An abstention counts as wrong, but for unanswerable "
        "questions, where it alone is right. ± is one standard error, clustered by video.",
        "",
        "![accuracy by type](report.png)",
        "",
        *_markdown(main_table(outcome.summaries)),
        "",
        "Grounding is that of the best piece of evidence (IoU, IoP), and LV-Haystack's temporal F1 at 5 s of all; ECE "
        "is the expected calibration error of what was answered. Frames, calls and seconds are means a question.",
        "",
        "## Accuracy by type",
        "",
        *_markdown(type_table(outcome.summaries)),
        "",
        "## What looking adds",
        "",
        *(f"- {line}" for line in gain_lines(outcome.gains)),
        "",
        "Question by question; errors are clustered by video, Student's t has a degree of freedom less than videos.",
        "",
        "## The systems",
        "",
        *(f"- **{name}**: {what}" for name, what in _WHAT.items()),
        "",
        f'The blind control took, of all it learned, "{outcome.blind_by}"; chance is {CHANCE:.2f}. The agent may look '
        f"at {outcome.notes['frames']} frames a question.",
        "",
        "Models: " + ", ".join(f"{role} `{spec}`" for role, spec in outcome.notes["models"].items()) + ".",
        "",
        "Seconds of this run: " + ", ".join(f"{name} {value:.0f}" for name, value in outcome.seconds.items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def text(outcome: Outcome) -> list[str]:
    """The tables as lines for a terminal."""
    return [
        *_aligned(main_table(outcome.summaries)),
        "",
        *_aligned(type_table(outcome.summaries)),
        "",
        *gain_lines(outcome.gains),
        "",
        f"report: {outcome.folder / 'report.md'}, {outcome.folder / 'report.png'}; answers: "
        f"{outcome.folder / 'results.jsonl'}; {duration_text(sum(outcome.seconds.values()))}",
    ]


def main_table(summaries: Sequence[Summary]) -> Table:
    """A row a system: accuracy, grounding, refusals, calibration and cost."""
    head = ["system", "accuracy", "events", "IoU", "IoP", "F1", "refused", "wrongly refused", "ECE"]
    rows = [[*head, "frames", "calls", "s", "errors"]]
    for s in summaries:
        means = (s.accuracy, s.events, s.iou, s.iop, s.f1, s.refused, s.wrongly_refused)
        rows.append(
            [
                s.system,
                *(_mean(mean, error=n < 2) for n, mean in enumerate(means)),
                "" if s.calibration is None else f"{s.calibration:.2f}",
                f"{s.frames:.1f}",
                f"{s.vlm_calls:.1f}",
                f"{s.seconds:.2f}",
                str(s.errors),
            ]
        )
    return rows


def type_table(summaries: Sequence[Summary]) -> Table:
    """A row a type of question, a column a system."""
    names = list(dict.fromkeys(name for s in summaries for name in s.by_type))
    rows = [["type", "n", *(s.system for s in summaries)]]
    for name in names:
        n = max((s.by_type[name].questions for s in summaries if name in s.by_type), default=0)
        rows.append([name.replace("_", " "), str(n), *(_mean(s.by_type.get(name)) for s in summaries)])
    return rows


def gain_lines(gains: Sequence[tuple[str, Gain]]) -> list[str]:
    """What the agent has right more than a control, in words."""
    lines = []
    for on, gain in gains:
        what = "event questions" if on == "events" else "all answerable questions"
        line = f"{gain.system} over {gain.over}, {gain.questions} {what}: {gain.difference:+.3f}"
        if gain.error is not None and gain.low is not None and gain.high is not None and gain.p_value is not None:
            p = f"p = {gain.p_value:.4f}" if gain.p_value >= 0.0001 else "p < 0.0001"
            line += f" ± {gain.error:.3f}, 95 % interval {gain.low:+.3f} to {gain.high:+.3f}, {p}"
        else:
            line += " (one video: no error can be told)"
        lines.append(f"{line}, {gain.clusters} video{'s' * (gain.clusters != 1)}")
    return lines


def _mean(mean: Mean | None, *, error: bool = True) -> str:
    if mean is None:
        return ""
    return f"{mean.value:.2f}" + ("" if not error or math.isinf(mean.error) else f" ± {mean.error:.2f}")


def _markdown(table: Table) -> list[str]:
    head, *rows = table
    rule = ["---", *("---:" for _ in head[1:])]
    return ["| " + " | ".join(map(markdown_cell, row)) + " |" for row in (head, rule, *rows)]


def _aligned(table: Table) -> list[str]:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in table]
