"""The notes an answer may rest on, and how close each comes to the question.

What closeness is, `lvqa.recall.relevance` tells. This module knows no model but the embedder.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lvqa.agents.options import option_phrases
from lvqa.agents.rules.numbers import READING
from lvqa.agents.state import Context, Item, Plan, State
from lvqa.recall.relevance import dense_closeness, lexical_closeness
from lvqa.types import Evidence, Note, Span


def pool(state: State, context: Context, most: int = READING.notes) -> list[Item]:
    """The first `most` of what was recalled, and all that was seen, closest to the question first.

    Equal ones come by recall score, path, start and id.
    """
    hits = state["hits"][:most]
    plan = state["plan"]
    notes = [hit.note for hit in hits] + list({note.id: note for note in state["seen"]}.values())
    scores = [hit.score for hit in hits] + [0.0] * (len(notes) - len(hits))
    near, options = closeness(context, plan, notes)
    items = [
        Item(note, context.retriever.path(note.video_id), score, float(n), tuple(float(o) for o in row))
        for note, score, n, row in zip(notes, scores, near, options, strict=True)
    ]
    return sorted(items, key=lambda i: (-i.closeness, -i.score, i.video, i.note.span.start_s, i.note.id))


def closeness(
    context: Context, plan: Plan, notes: Sequence[Note]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The closeness of each note to the question, float64 (n,), and to each option's phrase, float64 (n, options)."""
    with_options = option_phrases(context.asked, context.options)
    phrases = [phrase for phrase in plan.phrases if phrase not in with_options] or [context.asked]
    texts = [note.text for note in notes]
    unclipped = scaled_cosines(context, [*phrases, *with_options], notes)
    dense = np.clip(unclipped, 0.0, 1.0)
    lexical = np.array([[lexical_closeness(p, text) for p in [*phrases, *with_options]] for text in texts])
    both = np.maximum(dense, lexical.reshape(dense.shape)) if len(notes) else dense
    near = both[:, : len(phrases)].max(axis=1, initial=0.0)
    if context.retriever.embedder is not None:
        return near, unclipped[:, len(phrases) :]
    return near, both[:, len(phrases) :]


def scaled_cosines(context: Context, phrases: Sequence[str], notes: Sequence[Note]) -> npt.NDArray[np.float64]:
    """Dense closeness of notes to phrases, not yet cut to [0, 1], float64 (notes, phrases); zeros without an embedder.

    `seen` notes are not in the store; they are embedded here.
    """
    retriever = context.retriever
    embedder = retriever.embedder
    result = np.zeros((len(notes), len(phrases)))
    if embedder is None or not notes or not phrases:
        return result
    retriever.prepare(phrases)
    queries = np.stack([retriever.vector(phrase) for phrase in phrases])
    rows = retriever.vectors(notes)
    for row, vector in enumerate(rows):
        if vector is not None:
            result[row] = dense_closeness(embedder, (queries @ vector).astype(np.float64))
    return result


def distinct(found: Sequence[Evidence], most: int) -> list[Evidence]:
    """Evidence, best first, without repeats: the same words about a time that touches better evidence of the video."""
    kept: list[Evidence] = []
    for one in sorted(found, key=lambda e: (-e.score, e.video, e.span, e.text)):
        if not any(same_evidence(one, better) for better in kept):
            kept.append(one)
    return kept[:most]


def same_evidence(a: Evidence, b: Evidence) -> bool:
    """Whether two pieces say the same words about one time of one video."""
    return a.video == b.video and a.text.casefold() == b.text.casefold() and a.span.gap_s(b.span) == 0


def stretch(items: Sequence[Item], best: Item) -> Span:
    """The stretch around the best item that items of its video and source nearly as close fill without a gap.

    What is read or said is quoted word for word, so only the same words go on; captions put one thing in many words.
    """
    span = best.note.span
    quoted = best.note.source in ("screen", "speech", "signs")
    near = sorted(
        (
            item
            for item in items
            if item.video == best.video
            and item.note.source == best.note.source
            and item.closeness >= READING.stretch_share * best.closeness
            and (not quoted or letters(item.note.text) == letters(best.note.text))
        ),
        key=lambda item: item.note.span.gap_s(best.note.span),
    )
    for item in near:
        if item.note.span.gap_s(span) <= READING.stretch_gap_s:
            span = span.hull(item.note.span)
    return span


def letters(text: str) -> str:
    """A text's letters and digits alone, without case: what two readings of one text share."""
    return "".join(character for character in text.casefold() if character.isalnum())
