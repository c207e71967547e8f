"""The report of a benchmark run: a Markdown file with its tables, and the tables as text. Knows figures only."""

from __future__ import annotations

from collections.abc import Sequence

from lvqa.eval.lab.world.outcome import WorldOutcome
from lvqa.eval.runner import chart
from lvqa.eval.runner.score import Gain
from lvqa.eval.runner.tables import LEGEND, aligned, gain_line, main_table, type_table
from lvqa.eval.runner.tables import markdown as markdown_of
from lvqa.phrasing import duration_text

CHANCE = 0.2
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


def write(outcome: WorldOutcome) -> None:
    """Write `report.md` and `report.png` beside the results."""
    chart.accuracy_and_confidence(outcome.folder / "report.png", outcome.summaries, CHANCE)
    (outcome.folder / "report.md").write_text(markdown(outcome), encoding="utf-8")


def markdown(outcome: WorldOutcome) -> str:
    """The report as Markdown."""
    world = outcome.world
    lines = [
        f"# World benchmark: {world.minutes:g} minutes, seed {world.seed}",
        "",
        f"{outcome.questions} questions with five options each, about {len(world.videos)} videos of "
        f"{duration_text(60 * world.minutes / len(world.videos))}. An abstention counts as wrong, but for unanswerable "
        "questions, where it alone is right. ± is one standard error, clustered by video.",
        "",
        chart.picture(outcome.folder / "report.png", "accuracy by type, risk and coverage, reliability"),
        "",
        *markdown_of(main_table(outcome.summaries)),
        "",
        LEGEND,
        "",
        "## Accuracy by type",
        "",
        *markdown_of(type_table(outcome.summaries)),
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


def text(outcome: WorldOutcome) -> list[str]:
    """The tables as lines for a terminal."""
    return [
        *aligned(main_table(outcome.summaries)),
        "",
        *aligned(type_table(outcome.summaries)),
        "",
        *gain_lines(outcome.gains),
        "",
        f"report: {outcome.folder / 'report.md'}, {chart.named(outcome.folder / 'report.png')}; answers: "
        f"{outcome.folder / 'results.jsonl'}; {duration_text(sum(outcome.seconds.values()))}",
    ]


def gain_lines(gains: Sequence[tuple[str, Gain]]) -> list[str]:
    """What the agent has right more than a control, in words."""
    return [gain_line(one, "event questions" if on == "events" else "all answerable questions") for on, one in gains]
