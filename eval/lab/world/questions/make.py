"""Questions about videos of the world: open and with five options, balanced so that a blind guesser scores chance.

`templates` holds every wording, `drafts` every answer; here they are chosen, worded and written. Reads no pixels.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from lvqa.eval.lab.world.questions.drafts import MAKERS, QuestionDraft, across
from lvqa.eval.lab.world.questions.facts import Facts
from lvqa.eval.lab.world.questions.templates import TEMPLATES, TYPES, Template
from lvqa.eval.lab.world.scenes.truth import VideoTruth
from lvqa.eval.tasks import base
from lvqa.eval.tasks.base import Window

__all__ = ["NOT_THERE", "PER_TEN_MINUTES", "TEMPLATES", "TYPES", "Template", "Window", "WorldQuestion", "ask"]

# The open answer to a question that has none.
NOT_THERE = "not in these videos"
PER_TEN_MINUTES: Mapping[str, int] = {**dict.fromkeys(TYPES, 3), "when": 4, "unanswerable": 5}
# Types whose answers are few: each of them is right as often as the others, give or take one.
_VALUES = {"count_objects": [str(n) for n in range(2, 7)], "count_events": [str(n) for n in range(1, 6)]}
_BY_KIND = {(template.type, template.kind): template for template in TEMPLATES}


@dataclass(frozen=True, slots=True)
class WorldQuestion:
    """One question with its answer, open and as five options.

    `choice` is the right option's index, -1 where the question has no answer and all options are wrong. `windows` are
    the stretches that show the answer; none where nothing does. `event` is true where the answer hangs on something
    that lasts 0.5 to 4 s. `targets` and `cues` are objects by name.
    """

    id: str
    type: str
    kind: str
    event: bool
    video: str | None
    videos: tuple[str, ...]
    question: str
    answer: str
    options_question: str
    options: tuple[str, ...]
    choice: int
    windows: tuple[Window, ...]
    unanswerable: bool
    targets: tuple[str, ...]
    cues: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a line of questions.jsonl."""
        return asdict(self)

    def as_task(self) -> base.TaskQuestion:
        """The question with its options, as any task has it."""
        return base.TaskQuestion(
            self.id, self.options_question, self.options, self.choice, self.videos, self.type, self.windows
        )

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> WorldQuestion:
        """The question that `to_json` wrote; raises KeyError or TypeError for anything else."""
        lists = {name: tuple(row[name]) for name in ("videos", "options", "targets", "cues")}
        return cls(**{**row, **lists, "windows": tuple(Window(**window) for window in row["windows"])})


def ask(videos: Sequence[VideoTruth], seed: int, *, density: float = 1.0) -> tuple[WorldQuestion, ...]:
    """Make up questions; the same for the same arguments.

    Args:
        videos: the archive; two or more give questions across videos.
        seed: decides what is asked and how.
        density: 1 for PER_TEN_MINUTES of each type, at least one of each type a video where the video allows it.

    Returns:
        The questions: types take turns, so that the first n hold about as many of each.
    """
    rng = random.Random(f"questions:{seed}")
    facts = [Facts(video, rng) for video in videos]
    minutes = sum(video.duration_s for video in videos) / 60
    chosen: dict[str, list[QuestionDraft]] = {}
    for type_ in TYPES:
        quota = max(1.0, PER_TEN_MINUTES[type_] * density * minutes / 10 / len(videos))
        if type_ == "across":
            pairs = list(combinations(rng.sample(facts, len(facts)), 2))
            pools = [list(across(*pair)) for pair in rng.sample(pairs, min(len(pairs), len(facts)))]
        else:
            pools = [list(MAKERS[type_](fact)) for fact in facts]
        # In a very short video there may be too little that is wrong.
        wrong = 5 if type_ == "unanswerable" else 4
        pools = [[draft for draft in pool if len(draft.wrong) >= wrong] for pool in pools]
        chosen[type_] = _balanced(pools, round(quota * len(facts)), _VALUES.get(type_, ()), rng)
    drafts = [row[k] for k in range(max(map(len, chosen.values()))) for row in chosen.values() if k < len(row)]
    positions = {type_: _positions(len(row), rng) for type_, row in chosen.items()}
    return tuple(_worded(draft, k, positions[draft.type].pop(), rng) for k, draft in enumerate(drafts))


def _balanced(
    sources: Sequence[Sequence[QuestionDraft]], n: int, values: Sequence[str], rng: random.Random
) -> list[QuestionDraft]:
    """Choose n drafts, or fewer: always one of those whose answer has come up least, then one of the source used least.

    Each of `values` comes up as often as the others, give or take one, even where that leaves fewer than n.
    """
    pool = [(number, draft) for number, source in enumerate(sources) for draft in source]
    rng.shuffle(pool)
    used = Counter(dict.fromkeys(values, 0))
    kinds: Counter[str] = Counter()
    taken: Counter[int] = Counter()
    asked: set[tuple[int, str]] = set()
    chosen: list[QuestionDraft] = []
    while len(chosen) < n:
        pool = [(k, draft) for k, draft in pool if (k, draft.about) not in asked]
        most = min(used[value] for value in values) if values else n
        left = [(k, draft) for k, draft in pool if used[draft.balance] <= most]
        if not left:
            break
        least = min(used[draft.balance] for _, draft in left)
        value = rng.choice(sorted({draft.balance for _, draft in left if used[draft.balance] == least}))
        number, draft = min(
            ((k, draft) for k, draft in left if draft.balance == value),
            key=lambda row: (taken[row[0]], kinds[row[1].kind]),
        )
        used[draft.balance] += 1
        taken[number] += 1
        kinds[draft.kind] += 1
        asked.add((number, draft.about))
        chosen.append(draft)
    rng.shuffle(chosen)
    return chosen


def _positions(n: int, rng: random.Random) -> list[int]:
    """Where the right options go: each of five places as often as the others, in no order."""
    row = [k % 5 for k in range(n // 5 * 5)] + rng.sample(range(5), n % 5)
    rng.shuffle(row)
    return row


def _worded(draft: QuestionDraft, number: int, position: int, rng: random.Random) -> WorldQuestion:
    template = _BY_KIND[draft.type, draft.kind]
    absent = draft.type == "unanswerable"
    options = rng.sample(draft.wrong, 5 if absent else 4)
    if not absent:
        options.insert(position, draft.right)
    names = tuple(draft.holes[hole] for hole in ("video", "video2") if hole in draft.holes)
    return WorldQuestion(
        f"q{number:04d}",
        draft.type,
        draft.kind,
        draft.event,
        names[0] if len(names) == 1 else None,
        names,
        rng.choice(template.open).format_map(draft.holes),
        NOT_THERE if absent else draft.answer,
        rng.choice(template.options).format_map(draft.option_holes or draft.holes),
        tuple(options),
        -1 if absent else position,
        draft.windows,
        absent,
        draft.targets,
        draft.cues,
    )


def to_jsonl(questions: Iterable[WorldQuestion]) -> str:
    """A line of JSON a question."""
    return "".join(json.dumps(question.to_json(), ensure_ascii=False) + "\n" for question in questions)
