"""A plan's program over time at work: whether there is one, which videos it is about, what it comes to as a draft.

Knows no node. What programs there are, `lvqa.temporal` tells; which a plan asks for, `lvqa.agents.rules.programs`.
"""

from __future__ import annotations

from dataclasses import replace

from lvqa.agents.baselines.presets import preset
from lvqa.agents.planner import planner_of
from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.rules.programs import query_of
from lvqa.agents.state import Claim, Context, Draft, Item, State
from lvqa.language.times import without_times
from lvqa.language.video_names import mentioned_videos
from lvqa.media.files import present
from lvqa.store import Filter, note_id
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval
from lvqa.temporal.looks import Viewer
from lvqa.temporal.options import match
from lvqa.temporal.presence import Presence
from lvqa.temporal.programs import COMPUTED, solve
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.result import Result
from lvqa.tools.eyes import run
from lvqa.tools.proposals import SearcherProposals
from lvqa.types import Computation, EventRow, Note
from lvqa.zoom import DEFAULT
from lvqa.zoom.across import is_searchable

_OPERATORS = {operation: operator for operator, operation in COMPUTED.items()}


def program_of(state: State, context: Context) -> tuple[TemporalQuery, tuple[str, ...]] | None:
    """The program over time that answers the plan's question by looking, and the ids of the videos to look at.

    None where there is none, or nobody to look.

    That is so in the first round alone: where a program finds nothing, another round goes by notes and keyframes. What
    was read off the screen when a video was indexed is not read again. A baseline has one only where a planner of the
    models' reads what it described.
    """
    reads = state["surveys"] and planner_of(context.models) is not None
    looks = not state["surveys"] and preset(context.agent).retrieval == "recall" and state["round"] <= 1
    if not (reads or looks) or context.eyes is None or not context.models.can_be_asked("timeline_present"):
        return None
    mentioned = mentioned_videos(context.words, [video.path for video in context.videos])
    asked = without_times(context.asked)
    query = query_of(state["plan"], asked, context.options, mentioned)
    if query is None or (query.op == "sign" and _was_read(context)):
        return None
    videos = _videos(state, context, query)
    return (query, videos) if videos else None


def _videos(state: State, context: Context, query: TemporalQuery) -> tuple[str, ...]:
    """The ids of the videos to look at: those that the question names, in its order, else those it may be about.

    That is all that may be used where they are few, else those of what was recalled. Those whose file is not there are
    not among them.
    """
    videos = [video for video in context.videos if is_searchable(video, context.filter)]
    if query.videos:
        by_path = {video.path: video for video in videos}
        videos = [by_path[path] for path in query.videos if path in by_path]
    elif len(videos) > LOOKING.videos:
        recalled = dict.fromkeys(hit.note.video_id for hit in state["hits"])
        by_id = {video.id: video for video in videos}
        videos = [by_id[video_id] for video_id in recalled if video_id in by_id][: LOOKING.videos]
    return tuple(video.id for video in videos if present(context.folder, video.path))


def _was_read(context: Context) -> bool:
    """Whether the index has text that was read off the screen of the videos in question."""
    base = context.filter or Filter()
    if base.sources is not None and "screen" not in base.sources:
        return False
    return bool(context.store.notes.ids(replace(base, sources=frozenset({"screen"}))))


def presence_of(context: Context, cues: tuple[str, ...]) -> Presence:
    """What the index knows about where things are; where another searcher was asked for, that one proposes."""
    proposals = SearcherProposals(
        context.searcher,
        context.store,
        context.models,
        context.settings,
        context.folder,
        context.ledger,
        context.filter,
        cues,
        context.seed,
        context.frames,
    )
    own = context.searcher == DEFAULT
    return Presence(context.store, context.models.image_embedder, context.filter, cues, None if own else proposals)


def result_of(
    context: Context, query: TemporalQuery, videos: tuple[str, ...], presence: Presence, viewer: Viewer
) -> Result:
    """What the program comes to, in videos by their ids; `viewer` answers what it asks of frames."""
    return run(solve(Inquiry(query, context.options, presence, viewer, videos)), viewer.look)


def computation_of(context: Context, query: TemporalQuery, result: Result) -> list[Computation]:
    """What a program that counts, orders, compares or measures made of which intervals."""
    operator = _OPERATORS.get(query.op)
    if operator is None or not result.found or not result.shown:
        return []
    path = context.retriever.path
    rows = tuple(EventRow(text, path(one.video_id), one.span, min(1.0, one.support)) for one, text in result.shown)
    return [Computation(query.side if query.op == "first_last" and query.side else operator, result.text, rows)]


def draft_of(context: Context, query: TemporalQuery, result: Result) -> tuple[list[Item], Draft]:
    """A program's result as notes of this question and a draft that cites them; without claims where it is none.

    Such a draft says what is missing where another round may look for it in another way.
    """
    # What comes first shows the answer itself.
    shown = [*result.shown, *result.refused]
    kept = [_item(context, one, text, 1.0 if n == 0 else LOOKING.beside) for n, (one, text) in enumerate(shown)]
    items = list({item.note.id: item for item in kept}.values())
    missing = query.targets if context.models.can_be_asked("inspect") else ()
    if not result.found:
        return items, Draft("", None, (), measured=result.confidence, missing=missing, by="program")
    choice, sure = result.choice, result.confidence
    if context.options and choice is None and result.value is not None:
        choice, fit = match(result.value, context.options)
        sure *= fit
    if context.options and choice is None:
        return items, Draft("", None, (), measured=0.0, missing=missing, by="program")
    text = context.options[choice] if choice is not None else result.text
    claims = tuple(Claim(i.note.text, (i.note.id,), i.closeness, "looks") for i in items)
    claims = claims or (Claim(result.text, (), sure, "looks"),)
    return items, Draft(text, choice, claims, measured=min(1.0, sure), closeness=sure, by="program")


def _item(context: Context, interval: Interval, text: str, share: float) -> Item:
    model = context.models.names["vision"]
    made = note_id(interval.video_id, "seen", interval.span, model, "", text)
    note = Note(made, interval.video_id, None, interval.span, text, "seen", model)
    return Item(note, context.retriever.path(interval.video_id), 0.0, share * interval.support)
