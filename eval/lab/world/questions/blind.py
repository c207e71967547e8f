"""The blind control: answers from the question and its options alone, as well as other worlds' questions teach it.

It knows every shortcut that comes to mind (where right options stand, how often a text is right, which number of five,
how alike and how long options are, what they share with the question), weighs them by a conditional logit trained on
questions of other seeds, and takes the weighing or the single shortcut that does best on questions held out of those.
Where the questions are balanced it scores chance. Sees no video, no window and no answer of the questions it is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.world.questions.make import WorldQuestion
from lvqa.types import Answer, Cost

Matrix = npt.NDArray[np.float64]

_RIDGE = 1.0
_STEPS = 400
_SMOOTH = 5.0
_PLACES = 5
_WORD = re.compile(r"[a-z]+|\d+(?:[.:]\d+)*")


@dataclass(frozen=True, slots=True)
class Blind:
    """A trained blind guesser: the heuristic that did best, by name, as the weights (shortcuts,) of all shortcuts."""

    name: str
    shortcuts: Shortcuts
    weights: npt.NDArray[np.float64]

    def ask(self, question: WorldQuestion) -> Answer:
        """The option with the highest score, the first of equal ones; its confidence is a softmax over the scores."""
        scores = self.shortcuts.of(question) @ self.weights
        shares = np.exp(scores - scores.max())
        choice = int(scores.argmax())
        return Answer(question.options[choice], choice, float(shares[choice] / shares.sum()), False, cost=Cost())


def train(questions: Sequence[WorldQuestion]) -> Blind:
    """Learn from answerable questions of other worlds, a few hundred or more; the same for the same questions.

    Raises ValueError for fewer than ten.
    """
    known = [question for question in questions if question.choice >= 0]
    if len(known) < 10:
        raise ValueError(f"ten questions or more are needed to learn from, got {len(known)}")
    counted, weighed, held_out = known[::3], known[1::3], known[2::3]
    shortcuts = Shortcuts(counted)
    heuristics = {"all shortcuts, weighed": _logit([shortcuts.of(q) for q in weighed], [q.choice for q in weighed])}
    for row, name in zip(np.eye(len(shortcuts.names)), shortcuts.names, strict=True):
        heuristics |= {f"most {name}": row, f"least {name}": -row}
    features = [shortcuts.of(question) for question in held_out]

    def right(name: str) -> int:
        guesses = (int((matrix @ heuristics[name]).argmax()) for matrix in features)
        return sum(guess == question.choice for guess, question in zip(guesses, held_out, strict=True))

    best = max(heuristics, key=right)
    return Blind(best, shortcuts, heuristics[best])


class Shortcuts:
    """What can be said of each option without looking: a matrix, float64 (options, shortcuts)."""

    def __init__(self, questions: Sequence[WorldQuestion]) -> None:
        self._right: Counter[tuple[str, str]] = Counter()
        self._seen: Counter[tuple[str, str]] = Counter()
        for question in questions:
            for n, option in enumerate(question.options):
                for key in _keys(question.type, option):
                    self._seen[key] += 1
                    self._right[key] += n == question.choice
        self.names = (
            *(f"in place {n + 1}" for n in range(_PLACES)),
            "often right text",
            "often right words",
            "like the others",
            "like the question",
            "long",
            "large a number",
            "central a number",
            "numeric rank 1",
            "numeric rank 2",
            "numeric rank 3",
            "numeric rank 4",
            "numeric rank 5",
        )

    def of(self, question: WorldQuestion) -> Matrix:
        """The shortcuts of a question's options, each centred over the options."""
        options = question.options
        words = [set(_WORD.findall(option.casefold())) for option in options]
        asked = set(_WORD.findall(question.options_question.casefold()))
        numbers = [_number(option) for option in options]
        values = np.array([n if n is not None else 0.0 for n in numbers])
        numeric = all(n is not None for n in numbers) and values.std() > 0
        ranks = values.argsort().argsort()
        rows = []
        for n, option in enumerate(options):
            text, *parts = [self._odds(key) for key in _keys(question.type, option)]
            others = [len(words[n] & w) / max(1, len(words[n] | w)) for m, w in enumerate(words) if m != n]
            row = [float(n == place) for place in range(_PLACES)]
            row += [
                text,
                sum(parts) / max(1, len(parts)),
                float(np.mean(others)),
                len(words[n] & asked),
                len(option) / 20,
            ]
            row += [(values[n] - values.mean()) / values.std() if numeric else 0.0]
            row += [-abs(values[n] - float(np.median(values))) / values.std() if numeric else 0.0]
            row += [float(numeric and ranks[n] == rank) for rank in range(_PLACES)]
            rows.append(row)
        matrix = np.array(rows, dtype=np.float64)
        return np.asarray(matrix - matrix.mean(axis=0), np.float64)

    def _odds(self, key: tuple[str, str]) -> float:
        chance = 1 / _PLACES
        return float(np.log((self._right[key] + _SMOOTH * chance) / (self._seen[key] + _SMOOTH) / chance))


def _keys(kind: str, option: str) -> list[tuple[str, str]]:
    text = " ".join(_WORD.findall(option.casefold()))
    return [(kind, f"={text}"), *((kind, word) for word in text.split())]


def _number(text: str) -> float | None:
    """The first number of an option, a time in seconds."""
    found = re.search(r"\d+(?:[.:]\d+)*", text)
    if found is None:
        return None
    parts = [float(part) for part in found[0].split(":")] if found[0].count(".") <= 1 else [0.0]
    return float(sum(part * 60**n for n, part in enumerate(reversed(parts))))


def _logit(features: Sequence[Matrix], choices: Sequence[int]) -> npt.NDArray[np.float64]:
    """Weights of a conditional logit, by gradient ascent with a ridge. `features` hold (options, shortcuts) each."""
    stacked = np.stack(features)
    chosen = stacked[np.arange(len(choices)), list(choices)]
    weights = np.zeros(stacked.shape[2])
    for _ in range(_STEPS):
        scores = stacked @ weights
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        slope = (chosen - np.einsum("qo,qos->qs", shares, stacked)).sum(axis=0) - _RIDGE * weights
        weights += slope / len(choices)
    return weights
