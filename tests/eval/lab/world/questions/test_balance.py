"""A guesser that sees no video scores chance, whatever it goes by."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import pytest

from lvqa.eval.lab.world.questions.make import TYPES, WorldQuestion, ask
from lvqa.eval.lab.world.scenes.make import make_videos

Guess = Callable[[WorldQuestion, int], float]


@cache
def questions_of(first: int, last: int) -> tuple[WorldQuestion, ...]:
    return tuple(question for seed in range(first, last) for question in ask(make_videos(60, seed, 3), seed))


@cache
def asked(type_: str = "") -> tuple[WorldQuestion, ...]:
    """What can be answered in twelve worlds."""
    return tuple(q for q in questions_of(0, 12) if not q.unanswerable and type_ in ("", q.type))


class Known:
    """What other worlds teach."""

    def __init__(self) -> None:
        questions = [question for question in questions_of(500, 508) if not question.unanswerable]
        self.right = Counter((q.type, q.options[q.choice]) for q in questions)
        self.offered = Counter((q.type, option) for q in questions for option in q.options)
        self.words_right = Counter((q.type, word) for q in questions for word in q.options[q.choice].split())
        self.words_offered = Counter(
            (q.type, word) for q in questions for option in q.options for word in option.split()
        )
        self.beside = Counter(
            (q.kind, one, other)
            for q in questions
            for one in q.options_question.split()
            for other in q.options[q.choice].split()
        )


@cache
def known() -> Known:
    return Known()


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+|\d+", text.lower()))


def _number(text: str) -> float:
    return float("".join(re.findall(r"[\d.]", text.partition("-")[0])).replace("..", ".") or 0)


def _rank(question: WorldQuestion, k: int) -> int:
    return sorted(range(5), key=lambda j: (_number(question.options[j]), question.options[j])).index(k)


def _alike(question: WorldQuestion, k: int) -> float:
    return sum(len(_words(question.options[k]) & _words(option)) for option in question.options)


GUESSES: dict[str, Guess] = {
    **{f"position {n}": (lambda q, k, n=n: float(k == n)) for n in range(5)},
    **{f"number {n} by size": (lambda q, k, n=n: float(_rank(q, k) == n)) for n in range(5)},
    "longest": lambda q, k: len(q.options[k]),
    "shortest": lambda q, k: -len(q.options[k]),
    "most often right": lambda q, k: known().right[q.type, q.options[k]],
    "right where offered": lambda q, k: (
        (known().right[q.type, q.options[k]] + 1) / (known().offered[q.type, q.options[k]] + 5)
    ),
    "words most often right": lambda q, k: sum(
        math.log((known().words_right[q.type, word] + 1) / (known().words_offered[q.type, word] + 5))
        for word in q.options[k].split()
    ),
    "goes with the question's words": lambda q, k: sum(
        math.log(1 + known().beside[q.kind, one, other])
        for one in q.options_question.split()
        for other in q.options[k].split()
    ),
    "shares words with the question": lambda q, k: len(_words(q.options_question) & _words(q.options[k])),
    "shares no words with the question": lambda q, k: -len(_words(q.options_question) & _words(q.options[k])),
    "like the other options": _alike,
    "unlike the other options": lambda q, k: -_alike(q, k),
}


def score(guess: Guess, questions: Sequence[WorldQuestion]) -> float:
    """The share right; what a guess does not tell apart counts in parts."""
    total = 0.0
    for question in questions:
        values = [guess(question, k) for k in range(5)]
        best = [k for k in range(5) if values[k] == max(values)]
        total += (question.choice in best) / len(best)
    return total / len(questions)


def test_enough_is_asked_to_see_a_difference():
    assert len(asked()) > 2500
    assert min(Counter(question.type for question in asked()).values()) > 200


@pytest.mark.parametrize("name", GUESSES)
def test_a_blind_guess_scores_chance(name: str):
    assert score(GUESSES[name], asked()) == pytest.approx(0.2, abs=3.5 * 0.4 / math.sqrt(len(asked())))


@pytest.mark.parametrize("type_", TYPES[:-1])
def test_a_blind_guess_scores_chance_at_each_type(type_: str):
    """Many guesses at once: the bound is wider, for the best of them."""
    for name, guess in GUESSES.items():
        bound = 4 * 0.4 / math.sqrt(len(asked(type_)))
        assert score(guess, asked(type_)) == pytest.approx(0.2, abs=bound), name


@pytest.mark.parametrize("type_", ["existence", "before_after", "across"])
def test_open_answers_of_two_values_are_even(type_: str):
    answers = Counter(question.answer for question in asked(type_) if ".mp4" not in question.answer)
    assert len(answers) == 2
    assert max(answers.values()) - min(answers.values()) <= 12


@pytest.mark.parametrize("type_", ["count_objects", "count_events"])
def test_counts_are_even(type_: str):
    """In each world, one count comes up at most once more than another."""
    answers = Counter(question.answer for question in asked(type_))
    assert len(answers) == 5
    assert max(answers.values()) - min(answers.values()) <= 12


def test_the_first_named_wins_as_often_as_the_other():
    first = sum(q.answer.endswith(q.targets[0]) for q in asked("first_last"))
    assert first / len(asked("first_last")) == pytest.approx(0.5, abs=0.02)
    which = [q for q in asked("across") if q.kind == "only"]
    assert sum(q.answer == q.videos[0] for q in which) / len(which) == pytest.approx(0.5, abs=0.1)


def test_the_unanswerable_look_like_the_others():
    """Their targets are of all colours and shapes alike, and they have as many options."""
    found = [question for question in questions_of(0, 12) if question.unanswerable]
    for part in (0, 1):
        words = Counter(q.targets[0].split()[part] for q in found)
        assert len(words) == 8
        mean = len(found) / 8
        assert all(abs(n - mean) < 4.5 * math.sqrt(mean) for n in words.values())
    assert {len(q.options) for q in found} == {5}
    assert {q.choice for q in found} == {-1}
