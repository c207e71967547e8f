"""The report of a run on a task: a Markdown file with its tables, a picture, and the tables as text. Knows figures."""

from __future__ import annotations

from collections.abc import Sequence

from lvqa.eval.metrics import Mean
from lvqa.eval.runner import chart
from lvqa.eval.runner.controls import Baseline
from lvqa.eval.runner.outcome import TaskOutcome
from lvqa.eval.runner.tables import (
    LEGEND,
    Table,
    aligned,
    gain_line,
    grounding_table,
    main_table,
    markdown,
    mean_text,
    reliability_table,
    type_table,
)
from lvqa.phrasing import count, duration_text

_MOST_FAILURES = 20


def write(outcome: TaskOutcome) -> None:
    """Write `report.md` and `report.png` beside the results."""
    chart.accuracy_and_confidence(outcome.folder / "report.png", outcome.summaries, outcome.chance)
    (outcome.folder / "report.md").write_text(page(outcome), encoding="utf-8")


def page(outcome: TaskOutcome) -> str:
    """The report as Markdown."""
    lines = [
        f"# {outcome.title}, version {outcome.version}: {outcome.agent}",
        "",
        f"{count(outcome.asked, 'question')} about {count(outcome.videos, 'video')}, seed {outcome.seed}. "
        "An abstention, a failure and a reply that could not be read count as wrong; where a question has no answer, "
        "to abstain is right. ± is one standard error, clustered by video.",
        "",
        chart.picture(outcome.folder / "report.png", "accuracy by type, risk and coverage, reliability"),
        "",
        *markdown(main_table(outcome.summaries)),
        "",
        LEGEND,
        "",
        "## Controls without a video",
        "",
        *markdown(control_table(outcome.baselines)),
        "",
    ]
    grounding = grounding_table(outcome.summaries)
    if len(grounding) > 1:
        lines += ["## Grounding", "", *markdown(grounding), ""]
    if outcome.gains or outcome.same:
        lines += ["## Comparisons", "", *(f"- {line}" for line in comparison_lines(outcome)), ""]
        lines += ["Question by question: Student's t with errors clustered by video, and McNemar's exact test.", ""]
    if any(s.by_type for s in outcome.summaries):
        lines += ["## Accuracy by type", "", *markdown(type_table(outcome.summaries)), ""]
    for summary in outcome.summaries:
        if summary.reliability:
            lines += [f"## Reliability of {summary.system}", "", *markdown(reliability_table(summary)), ""]
    lines += ["## Failures", "", *(f"- {line}" for line in failure_lines(outcome) or ["none"]), ""]
    if outcome.notes:
        lines += ["## Notes", "", *(f"- {note}" for note in outcome.notes), ""]
    models = ", ".join(f"{role} `{spec}`" for role, spec in outcome.models.items())
    lines += [f"Models: {models}." if models else "Models: none.", ""]
    lines += ["Seconds of this run: " + ", ".join(f"{n} {value:.0f}" for n, value in outcome.seconds.items()) + "."]
    return "\n".join(lines) + "\n"


def text(outcome: TaskOutcome) -> list[str]:
    """The tables as lines for a terminal."""
    lines = [*aligned(main_table(outcome.summaries)), ""]
    if any(len(s.by_type) > 1 for s in outcome.summaries):
        lines += [*aligned(type_table(outcome.summaries)), ""]
    lines += [*aligned([row[:2] for row in control_table(outcome.baselines)]), ""]
    if compared := comparison_lines(outcome):
        lines += [*compared, ""]
    if failed := failure_lines(outcome):
        lines += ["without a readable answer:", *(f"  {line}" for line in failed), ""]
    lines += [*outcome.notes]
    return [
        *lines,
        f"report: {outcome.folder / 'report.md'}, {chart.named(outcome.folder / 'report.png')}; answers: "
        f"{outcome.folder / 'results.jsonl'}; {duration_text(sum(outcome.seconds.values()))}",
    ]


def control_table(baselines: Sequence[Baseline]) -> Table:
    """A row a control that sees no video: its accuracy in all, and what it goes by."""
    return [["control", "accuracy", "by"], *([b.name, mean_text(b.accuracy), b.what] for b in baselines)]


def comparison_lines(outcome: TaskOutcome) -> list[str]:
    """Paired comparisons, and how often the same option was chosen after shuffling, in words."""
    lines = [gain_line(gain, "answerable questions") for gain in outcome.gains]
    for agent, mean in outcome.same.items():
        lines.append(f"{agent} chose the same option in another order of them: {_share(mean)}")
    return lines


def failure_lines(outcome: TaskOutcome) -> list[str]:
    """Why questions have no readable answer, most frequent first."""
    found = [
        f"{system}: {count(n, 'question')}, such as {first}: {reason}" for system, reason, n, first in outcome.failures
    ]
    more = len(found) - _MOST_FAILURES
    return found if more <= 0 else [*found[:_MOST_FAILURES], f"and {more} other reasons; see results.jsonl"]


def _share(mean: Mean) -> str:
    return f"{mean_text(mean)} of {count(mean.questions, 'question')}"
