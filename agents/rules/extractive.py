"""Reasoning without a model: the answer quotes the best evidence, or picks the option nearest to a note.

Options are weighed against the notes by a fitted conditional logit (`choice`), whose shares are calibrated. Open
questions are quoted, not reasoned about, and the wording says so. This module asks no model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lvqa.agents.evidence import stretch
from lvqa.agents.rules.choice import readable, weigh
from lvqa.agents.rules.numbers import QUOTING
from lvqa.agents.rules.policies import PREFERRED
from lvqa.agents.rules.titles import titles
from lvqa.agents.state import Claim, Context, Draft, Item, Plan
from lvqa.language.stems import content, coverage, stem
from lvqa.language.times import without_times
from lvqa.types import Computation, Span, format_time

_HAPPENING = frozenset(map(stem, ("what", "happen", "happens", "happened", "happening", "going", "on", "is", "goes")))


def draft(
    context: Context, plan: Plan, items: Sequence[Item], computed: Sequence[Computation] = ()
) -> tuple[Draft, list[Item]]:
    """The answer that the notes give by rule, without claims where there are none; and notes read beside them."""
    if not items:
        return Draft("", None, (), missing=()), []
    if context.options:
        return choose(context, items)
    if plan.kind == "title" and (named := title(context, items)) is not None:
        return named, []
    if computed and (told := tell(items, computed[0])) is not None:
        return told, []
    if plan.kind == "summary" and (whole := overview(items)) is not None:
        return whole, []
    if plan.kind == "action" and _asks_for_all(context, plan) and (course := narrate(context, plan, items)) is not None:
        return course, []
    return quote(plan, items), []


def tell(items: Sequence[Item], computed: Computation) -> Draft | None:
    """What an operator computed, with the notes of its rows; None where those are not among the items."""
    by_id = {item.note.id: item for item in items}
    sources = {by_id[note_id].note.source for row in computed.rows for note_id in row.notes if note_id in by_id}
    if computed.operator == "duration" and sources & {"speech", "screen"}:
        return None  # how long something is spoken of is not how long it lasts
    claims = [
        Claim(_stated(by_id[note_id]), (note_id,), QUOTING.computed * row.sure)
        for row in computed.rows
        for note_id in row.notes[:1]
        if note_id in by_id
    ]
    if not claims:
        return None
    times = ", ".join(f"{format_time(row.span.start_s)} of {row.video}" for row in computed.rows[:6])
    text = computed.text if computed.operator != "count" else f"{computed.text} ({times})"
    closeness = max(by_id[claim.note_ids[0]].closeness for claim in claims)
    said = f"As far as the notes tell: {text}."
    return Draft(said, None, tuple(claims), closeness=closeness, agreement=0.0)


def overview(items: Sequence[Item]) -> Draft | None:
    """What was written of whole videos, one after the other; of their segments where nothing was; None for neither."""
    summaries = sorted(
        (item for item in items if item.note.source == "summary"), key=lambda i: (i.video, i.note.span.start_s)
    )
    if not summaries:
        return None
    longest = {i.video: max(j.note.span.duration_s for j in summaries if j.video == i.video) for i in summaries}
    whole = [i for i in summaries if i.note.span.duration_s >= QUOTING.whole * longest[i.video]][: QUOTING.most_summed]
    said = [(i, " ".join(i.note.text.split())) for i in whole]
    text = " ".join(f"{i.video}: {words}" for i, words in said)
    claims = tuple(Claim(words, (i.note.id,), QUOTING.summed) for i, words in said)
    return Draft(text, None, claims, closeness=QUOTING.summed, agreement=0.0)


def narrate(context: Context, plan: Plan, items: Sequence[Item]) -> Draft | None:
    """What the notes of a stretch of time say, in its order; None where it has none."""
    span = Span(*plan.between) if plan.between is not None else context.filter.span if context.filter else None
    inside = [i for i in items if i.note.source != "summary" and (span is None or i.note.span.overlaps(span))]
    told = sorted(inside, key=lambda i: (i.video, i.note.span.start_s, i.note.id))[: QUOTING.most_narrated]
    if not told:
        return None
    text = " ".join(f"{format_time(i.note.span.start_s)}: {' '.join(i.note.text.split())}" for i in told)
    claims = tuple(Claim(_stated(i), (i.note.id,), QUOTING.summed) for i in told)
    return Draft(f"{text} ({told[0].video})", None, claims, closeness=QUOTING.summed, agreement=0.0)


def _asks_for_all(context: Context, plan: Plan) -> bool:
    """Whether a stretch of time is all that a question names: "What happens between 1:00 and 2:00?"."""
    named = plan.between is not None or (context.filter is not None and context.filter.span is not None)
    return named and not set(content(without_times(context.asked))) - _HAPPENING


def choose(context: Context, items: Sequence[Item]) -> tuple[Draft, list[Item]]:
    """The option that the notes speak for, and the note that does so best, where it is not among the items."""
    notes = readable(context, items)
    weighed = weigh(context, notes)
    choice = weighed.shares.index(max(weighed.shares))
    note = notes[weighed.best[choice]]
    closeness = max(item.closeness for item in items)
    share = weighed.shares[choice] * min(1.0, closeness / QUOTING.unrelated)
    stated = f'The answer to "{context.question.text}" is "{context.options[choice]}".'
    found = Draft(
        context.options[choice],
        choice,
        (Claim(stated, (note.id,), share),),
        closeness=closeness,
        missing=(f"{context.asked} {context.options[choice]}",),
    )
    if any(item.note.id == note.id for item in items):
        return found, []
    return found, [Item(note, context.retriever.path(note.video_id), 0.0, closeness)]


def title(context: Context, items: Sequence[Item]) -> Draft | None:
    """The text on the screen that is a title by its form; None where none is."""
    near = {item.note.id: item.closeness for item in items}
    found = titles(
        [item.note for item in items if item.note.source == "screen"],
        lambda video_id: _duration_s(context, video_id),
        lambda note: near.get(note.id, 0.0),
    )
    if not found:
        return None
    best = found[0]
    rival = found[1].score if len(found) > 1 else 0.0
    text = f'The screen shows "{best.text}" at {_when(best.span)} of {context.retriever.path(best.notes[0].video_id)}.'
    claim = Claim(
        f'The text "{best.text}" can be read.',
        tuple(note.id for note in best.notes),
        QUOTING.title * min(1.0, best.score / QUOTING.whole_title),
    )
    return Draft(
        text, None, (claim,), closeness=claim.support, agreement=float(best.score - rival > QUOTING.title_lead)
    )


def quote(plan: Plan, items: Sequence[Item]) -> Draft:
    """The best note, quoted with its time, in words that fit the kind of question."""
    ranked = preferred(plan, items)
    best = ranked[0]
    others = [item for item in ranked[1:] if item.closeness >= QUOTING.others * best.closeness]
    span = stretch(ranked, best)
    said = " ".join(best.note.text.split())
    where = f"{best.video} at {_when(span)}"
    if plan.kind == "when":
        text = f"At {_when(span)} of {best.video}: {said}"
    elif best.note.source == "screen":
        text = f'The screen shows "{said}" ({where}).'
    elif best.note.source == "speech":
        text = f'It is said: "{said}" ({where}).'
    else:
        text = f"{said} ({where})"
    claims = [Claim(_stated(i), (i.note.id,), i.closeness) for i in [best, *others[: QUOTING.most_others]]]
    asked = content(" ".join(plan.targets) or plan.phrases[0])
    lacking = [word for word in asked if coverage([word], best.note.text) == 0]
    return Draft(
        text,
        None,
        tuple(claims),
        closeness=best.closeness,
        agreement=float(any(i.video == best.video and i.note.span.gap_s(span) <= QUOTING.agree_s for i in others)),
        missing=(" ".join(lacking),) if lacking and len(lacking) < len(asked) else (),
    )


def preferred(plan: Plan, items: Sequence[Item]) -> list[Item]:
    """Items in order of closeness, with those of the kind asked for first, closer by what they stand beside.

    A text on the screen seldom says what it is written on: it is as close as the caption of the same seconds, or, when
    the question names its time, close by standing there.
    """
    wanted = PREFERRED.get(plan.kind, frozenset())
    mine = [item for item in items if item.note.source in wanted]
    if not mine:
        return list(items)
    rest = [item for item in items if item.note.source not in wanted]
    raised = []
    for item in mine:
        beside = [i.closeness for i in rest if i.video == item.video and i.note.span.overlaps(item.note.span)]
        close = max([item.closeness, *(QUOTING.beside * value for value in beside)])
        if plan.between is not None and item.note.span.overlaps(Span(*plan.between)):
            close = max(close, QUOTING.in_named_time)
        raised.append(Item(item.note, item.video, item.score, close, item.options))
    raised.sort(key=lambda i: (-i.closeness, -i.score, i.video, i.note.span.start_s, i.note.id))
    # Speech about a sign may answer better than noise on the screen.
    best_rest = rest[0].closeness if rest else 0.0
    return [*raised, *rest] if raised[0].closeness >= QUOTING.first * best_rest else [*rest, *raised]


def _stated(item: Item) -> str:
    """A note as a statement that a look at the frames can settle."""
    said = " ".join(item.note.text.split())
    return f'The text "{said}" can be read.' if item.note.source == "screen" else said


def _duration_s(context: Context, video_id: str) -> float:
    video = context.retriever.video(video_id)
    return video.duration_s if video is not None else math.inf


def _when(span: Span) -> str:
    return f"{format_time(span.start_s)}-{format_time(span.end_s)}"
