"""The recall node: all search phrases asked of the index together, and one ranking of what comes back.

How they are searched is `lvqa.recall`'s; this module knows what a plan wants beside that: notes of the
kind that the question asks for, title cards, the seconds around a passage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.options import option_phrases
from lvqa.agents.rules.numbers import READING
from lvqa.agents.rules.policies import PREFERRED, policy
from lvqa.agents.rules.titles import is_presenting, titles
from lvqa.agents.state import Context, Plan, State
from lvqa.agents.steps import RecallAgainStep, RecallStep
from lvqa.recall import Channel, merge
from lvqa.store import Filter
from lvqa.types import Hit, Note, Span

# Hits that the step tells of.
_TOLD = 5


def recall(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Bring the notes that the plan's phrases find; in later rounds, those that what is missing finds."""
    context = runtime.context
    plan = state["plan"]
    if state["round"] and not state["missing"]:
        # Another look at what was found: the same search would bring the same.
        return {"hits": [], "round": state["round"] + 1, "steps": [RecallAgainStep(len(state["hits"]))]}
    phrases = list(state["missing"] if state["round"] else plan.phrases) or [context.asked]

    def look() -> tuple[list[Hit], bool]:
        wanted, named = _within(context.filter, plan)
        found = _search(context, phrases, wanted, plan)
        if found or not named:
            return found, named
        return _search(context, phrases, context.filter, plan), False

    found, named = context.store.consistent(look, again=context.retriever.forget)
    old = {hit.note.id for hit in state["hits"]}
    new = sum(hit.note.id not in old for hit in found)
    videos = len({hit.note.video_id for hit in found})
    step = RecallStep(tuple(phrases), named, len(found), new, videos, tuple(found[:_TOLD]), again=bool(old))
    return {"hits": found, "tried": phrases, "round": state["round"] + 1, "steps": [step]}


def _within(filter: Filter | None, plan: Plan) -> tuple[Filter | None, bool]:
    """The filter, narrowed to the time that the question names unless the caller named one."""
    if plan.between is None or (filter is not None and filter.span is not None):
        return filter, False
    return replace(filter or Filter(), span=Span(*plan.between)), True


def _search(context: Context, phrases: Sequence[str], wanted: Filter | None, plan: Plan) -> list[Hit]:
    how = policy(plan.kind)
    if how.reads == "summaries" and (told := _summaries(context, phrases[0], wanted)):
        return told
    k = context.settings.top_k * (READING.counted if how.reads == "all" else 1)
    retriever = context.retriever
    rules = replace(retriever.rules, windows=False)
    options = [phrase for phrase in option_phrases(context.asked, context.options) if phrase in phrases]
    full = [phrase for phrase in phrases if phrase not in options] or [context.asked]
    choices = context.options if options else ()
    found = retriever.search(full[0], k, wanted, also=full[1:], options=choices, rules=rules)
    if not found:
        # Nothing relevant: the closest is still told, beside "not in these videos".
        all_the_same = replace(rules, least_relevance=-math.inf)
        found = retriever.search(full[0], k, wanted, also=full[1:], options=choices, rules=all_the_same)
    if sources := PREFERRED.get(plan.kind):
        if wanted is not None and wanted.sources is not None:
            sources &= wanted.sources
        only = replace(wanted or Filter(), sources=sources)
        words_only: tuple[Channel, ...] = ("text", "dense")
        more = retriever.search(full[0], k // READING.preferred, only, also=full[1:2], channels=words_only, rules=rules)
        found = merge([found, more])
    if plan.kind == "title":
        found = merge([found, _title_cards(context, found, wanted)])
    if how.reads == "both":
        found = merge([found, _summaries(context, phrases[0], wanted)[: max(1, k // READING.summarised)]])
    if how.apart and len(plan.events) > 1:
        each = max(READING.each_event, k // len(plan.events))
        found = merge([found, *(retriever.search(event, each, wanted, rules=rules) for event in plan.events)])
    if plan.kind in ("order", "before_after"):
        found = merge([found, _around(context, found[: READING.around], wanted)])
    return found


def _summaries(context: Context, phrase: str, wanted: Filter | None) -> list[Hit]:
    """What was written of whole videos and of segments: all where they are few, else those nearest to the question.

    In the order of video and time, the whole before its parts.
    """
    if wanted is not None and wanted.sources is not None and "summary" not in wanted.sources:
        return []
    base = replace(wanted or Filter(), sources=frozenset({"summary"}), level=None)
    notes = context.store.notes.select(base)
    if base.span is not None:  # what was written of more than the stretch says nothing sure of it
        notes = [note for note in notes if base.span.hull(note.span) == base.span]
    elif len(notes) > READING.summaries:
        rules = replace(context.retriever.rules, windows=False)
        return context.retriever.search(phrase, READING.summaries, base, rules=rules)
    ordered = sorted(notes, key=lambda n: (context.retriever.path(n.video_id), -n.span.duration_s, n.span.start_s))
    return [_hit(context, note, 1.0 - n / (len(ordered) + 1)) for n, note in enumerate(ordered)]


def _title_cards(context: Context, found: Sequence[Hit], wanted: Filter | None) -> list[Hit]:
    """Screen notes that look like titles, and what announces them, ranked above what was found by its words."""
    base = wanted or Filter()
    if base.sources is not None and "screen" not in base.sources:
        return []
    durations = {video.id: video.duration_s for video in context.store.videos.all()}
    if len(durations) > READING.small_archive and base.video_ids is None:
        matching = list(dict.fromkeys(hit.note.video_id for hit in found))[: READING.matching_videos]
        base = replace(base, video_ids=frozenset(matching))
    notes = context.store.notes.select(replace(base, sources=frozenset({"screen"})))
    cards = titles(notes, lambda video_id: durations.get(video_id, math.inf), lambda note: 0.0)[: READING.titles]
    top = max((hit.score for hit in found), default=0.0)
    videos = {note.video_id for card in cards for note in card.notes}
    announced = [note for note in notes if is_presenting(note) and note.video_id in videos][: READING.titles]
    hits = [_hit(context, note, top + card.score) for card in cards for note in card.notes[: READING.titles]]
    return hits + [_hit(context, note, top) for note in announced]


def _around(context: Context, hits: Sequence[Hit], wanted: Filter | None) -> list[Hit]:
    """What stands just before and after the best hits, for questions of order."""
    around: list[Hit] = []
    for hit in hits:
        span = Span(max(0.0, hit.span.start_s - READING.around_s), hit.span.end_s + READING.around_s)
        if wanted is not None and wanted.span is not None:
            inside = span.intersection(wanted.span)
            if inside is None:
                continue
            span = inside
        near = Filter(frozenset({hit.note.video_id}), span, frozenset({hit.note.source}))
        around += [_hit(context, note, READING.around_score * hit.score) for note in context.store.notes.select(near)]
    return around


def _hit(context: Context, note: Note, score: float) -> Hit:
    return Hit(context.retriever.path(note.video_id), note, score, {})
