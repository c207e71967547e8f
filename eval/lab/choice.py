"""`python -m lvqa.eval.lab.choice --data DIR`: how options are chosen without a language model.

Fits the conditional logit of `lvqa.agents.rules.choice` on questions with gold options and captions, and prints what
each measure alone is right on, what the shipped weights are, and what weights fitted on other videos are: folds of
videos, each question answered by weights that never saw a question about its video. Writes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lvqa.agents.options import option_phrases
from lvqa.agents.rules.choice import MEASURES, measures
from lvqa.agents.rules.numbers import QUOTING
from lvqa.errors import LvqaError, UsageError
from lvqa.eval.lab.retrieval.data import RememberingEmbedder
from lvqa.eval.metrics import clustered_mean
from lvqa.eval.tasks.files import read_lines
from lvqa.eval.tasks.registry import load, task
from lvqa.language.words import declarative
from lvqa.models.base import Embedder
from lvqa.models.registry import load_embedder
from lvqa.recall.relevance import dense_closeness

Values = npt.NDArray[np.float64]
Choices = npt.NDArray[np.int64]

FOLDS = 5
_RIDGE = 5.0


def measured(data: Path, embedder: Embedder) -> tuple[Values, Choices, list[str]]:
    """The measures of all questions, float64 (n, options, 5), the right options, int64 (n,), and the videos.

    Raises UsageError where there are no captions, or the questions differ in their number of options.
    """
    found = load(task("nextgqa"), data)
    if found.captions is None:
        raise UsageError(f"there are no captions in {data}; give captions.jsonl, as `lvqa import` reads them")
    known = RememberingEmbedder(embedder)
    texts: dict[str, list[str]] = {}
    for row in read_lines(found.captions, ("video", "text")):
        texts.setdefault(str(row["video"]), []).append(str(row["text"]))
    asked = [q for q in found.questions if q.choice is not None and q.choice >= 0 and texts.get(q.video)]
    if not asked or len({len(q.options) for q in asked}) > 1:
        raise UsageError(f"the questions of {data} need captions, and all of them as many options")
    plain = [declarative(q.text) for q in asked]
    phrases = [p for q in asked for p in [q.text, *option_phrases(q.text, q.options), *q.options]]
    known.learn([*phrases, *plain])
    vectors = {video: embedder.encode_document(texts[video]) for video in {q.video for q in asked}}
    rows = [
        measures(
            q.text,
            q.options,
            vectors[q.video],
            texts[q.video],
            known.encode_query,
            lambda cosines: dense_closeness(embedder, cosines),
        )[0]
        for q in asked
    ]
    return np.stack(rows), np.array([q.choice for q in asked], np.int64), [q.video for q in asked]


def fit(rows: Values, right: Choices, ridge: float = _RIDGE) -> Values:
    """Weights, float64 (measures,), of the conditional logit, by maximum likelihood with a ridge on standard units."""
    from scipy.optimize import minimize

    unit = rows.reshape(-1, rows.shape[2]).std(axis=0) + 1e-9
    scaled, n = rows / unit, np.arange(len(rows))

    def loss(weights: Values) -> tuple[float, Values]:
        shares = probabilities(scaled, weights)
        off = shares.copy()
        off[n, right] -= 1
        gradient = np.einsum("no,nom->m", off, scaled) + 2 * ridge * weights
        return float(-np.log(shares[n, right]).sum() + ridge * (weights**2).sum()), gradient

    found = minimize(loss, np.zeros(rows.shape[2]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / unit, np.float64)


def probabilities(rows: Values, weights: Sequence[float] | Values) -> Values:
    """The options' probabilities, float64 (n, options)."""
    score = rows @ np.asarray(weights)
    raised = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)


def held_out(rows: Values, right: Choices, videos: Sequence[str], seed: int = 0) -> Values:
    """The options' probabilities by weights that saw no question about the same video, float64 (n, options)."""
    names = sorted(set(videos))
    order = np.random.default_rng(seed).permutation(len(names))
    fold = {names[k]: n % FOLDS for n, k in enumerate(order)}
    of = np.array([fold[video] for video in videos])
    shares = np.zeros(rows.shape[:2])
    for number in range(FOLDS):
        shares[of == number] = probabilities(rows[of == number], fit(rows[of != number], right[of != number]))
    return shares


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.lab.choice", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", default="minilm")
    given = parser.parse_args(argv)
    rows, right, videos = measured(given.data.expanduser(), load_embedder(given.embedder))

    def say(name: str, picked: npt.NDArray[np.int64]) -> None:
        mean = clustered_mean([float(hit) for hit in picked == right], videos)
        print(f"{name:<28} {mean.value:.3f} ± {mean.error:.3f}")

    print(f"{len(rows)} questions about {len(set(videos))} videos")
    for n, name in enumerate(MEASURES):
        say(name, rows[:, :, n].argmax(axis=1))
    say("all, weights as shipped", probabilities(rows, QUOTING.weights).argmax(axis=1))
    shares = held_out(rows, right, videos)
    say(f"all, held out ({FOLDS} folds)", shares.argmax(axis=1))
    top = shares.max(axis=1)
    for low in np.arange(0.2, 1.0, 0.1):
        mine = (top >= low) & (top < low + 0.1)
        if mine.any():
            hit = (shares.argmax(axis=1) == right)[mine].mean()
            print(f"  stated {low:.1f}-{low + 0.1:.1f}: {int(mine.sum()):4d} questions, right {hit:.2f}")
    print("fitted on all: " + ", ".join(f"{n} {w:.2f}" for n, w in zip(MEASURES, fit(rows, right), strict=True)))


if __name__ == "__main__":
    try:
        main()
    except LvqaError as error:
        raise SystemExit(f"error: {error}") from error
