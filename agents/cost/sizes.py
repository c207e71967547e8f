"""How many tokens an answer's prompts and replies take, at most and likely, counted from the prompts themselves.

At most, a prompt holds the longest notes that there are, replies are as long as they are asked to be, twice over, and
each is asked for a second time where that may happen. A model that thinks aloud takes more; the budget ends that.
Calls no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lvqa.agents.baselines.presets import preset
from lvqa.agents.citations import NOTE_CHARACTERS, number
from lvqa.agents.evidence import MOST_NOTES
from lvqa.agents.nodes import inspect as inspect_
from lvqa.agents.nodes.answer import answer_prompt, direct_prompt, options_prompt, summarise_prompt
from lvqa.agents.nodes.compute import rows_prompt
from lvqa.agents.nodes.plan import plan_prompt
from lvqa.agents.nodes.verify import support_prompt, verify_prompt
from lvqa.agents.state import Claim, Context, Item, Plan, SubQuestion
from lvqa.prompts import fence, load
from lvqa.temporal.looks import REPLY_TOKENS as TIMELINE_REPLY
from lvqa.tools.ledger import estimate_tokens
from lvqa.types import Cost, Note, Span

# Letters come in tokens of three at least; digits, marks and all that is not ASCII may be one each.
_PIECE = re.compile(r"[A-Za-z]{1,3}|[^\sA-Za-z]")
# Replies, in tokens: likely, and at most.
_PLAN, _ANSWER, _SUPPORT, _ROWS, _SCORES = (120, 600), (120, 800), (40, 600), (80, 1_600), (30, 200)
_SUMMARY = 150
_COMPLAINTS = 500
_CLAIMS, _MOST_CLAIMS, _MOST_CITED = 2, 8, 6
_MOST_SUB_QUESTIONS, _MOST_EVENTS = 8, 8
_LONGEST_VLM_REPLY = 160
# More notes than this are not read for their length; they are taken to be as long as prompts show them.
_MOST_READ = 2_000
_WORD = "word "
_PATCH = 28  # pixels a side of a frame's token, in the models of today
_MOST_FRAME_TOKENS = 1_100


@dataclass(frozen=True, slots=True)
class Sizes:
    """The chat model's calls by what they are for; a VLM call without its frames, and a frame.

    Each with its calls, tokens and money. `rows` and `options` are nothing where nothing is computed or chosen.
    """

    plan: Cost
    rows: Cost
    summary: Cost
    answer: Cost
    direct: Cost
    options: Cost
    support: Cost
    look: Cost
    frame: Cost

    @property
    def round(self) -> Cost:
        """A round of the agent: rows, both ways to the answer, the options' scores, support."""
        return self.rows + self.summary + self.answer + self.direct + self.options + self.support

    @property
    def call(self) -> Cost:
        """The largest call of the chat model."""
        calls = (self.plan, self.rows, self.summary, self.answer, self.direct, self.options, self.support)
        return max(map(_one_of, calls), key=lambda cost: cost.tokens_in + cost.tokens_out)


def most_tokens(text: str) -> int:
    """More tokens than nearly any tokenizer makes of a text: one for every three letters, one for any other sign."""
    return len(_PIECE.findall(text))


def times(cost: Cost, n: int) -> Cost:
    """So many times as much."""
    return Cost(
        cost.frames * n, cost.vlm_calls * n, cost.llm_calls * n, cost.tokens_in * n, cost.tokens_out * n,
        cost.seconds * n, cost.money * n,
    )  # fmt: skip


def likely_sizes(context: Context, plan: Plan, items: Sequence[Item]) -> Sizes:
    """What calls likely take where recall brings these items, closest first."""
    how = preset(context.agent)
    numbered = number(items, how.notes)
    summary = _WORD * (_SUMMARY * 4 // len(_WORD))
    events, none = list(plan.events), fence("none")
    asks_rows = plan.compute is not None and bool(events)
    cited = tuple(item.note.id for item in items[:_CLAIMS])
    claims = [Claim(_WORD * 12, (note_id,)) for note_id in cited]
    asked = inspect_.inspect_prompt(context, plan, 1, 0.0, 0.0)
    side, prices = context.settings.max_side / _PATCH, context.ledger.prices
    return Sizes(
        _said(context, estimate_tokens(plan_prompt(context)), _PLAN[0]),
        _said(context, estimate_tokens(rows_prompt(events, numbered)), _ROWS[0]) if asks_rows else Cost(),
        _said(context, estimate_tokens(summarise_prompt(context, numbered, how.summary_words)), _SUMMARY),
        _said(context, estimate_tokens(answer_prompt(context, items, numbered, summary, none)), _ANSWER[0]),
        _said(context, estimate_tokens(direct_prompt(context, numbered, none)), _ANSWER[0]),
        _said(context, estimate_tokens(options_prompt(context, numbered, context.options)), _SCORES[0])
        if context.options
        else Cost(),
        _said(context, estimate_tokens(support_prompt(context, claims, _by_id(items))), _SUPPORT[0]),
        Cost(vlm_calls=1, tokens_in=estimate_tokens(asked), tokens_out=inspect_.REPLY_TOKENS // 4, money=prices.call),
        Cost(frames=1, tokens_in=round(side * side * 9 / 16), money=prices.frame),
    )


def most_sizes(context: Context, seen: int) -> Sizes:
    """What calls take at most, with so many notes of what was seen beside the archive's longest ones."""
    items, longest = _longest(context, seen)
    how = preset(context.agent)
    numbered = number(items, how.notes)
    longest_summary = 2 * how.summary_words
    computed = fence(_WORD * 100 * _MOST_EVENTS)
    texts = ("", "abc " * longest_summary)
    first = max(most_tokens(answer_prompt(context, items, numbered, text, computed)) for text in texts)
    events = [f"{n} {_WORD * 40}" for n in range(_MOST_EVENTS)]
    cited = tuple(item.note.id for item in items[:_MOST_CITED])
    claims = [Claim(_WORD * (NOTE_CHARACTERS // len(_WORD)), cited) for _ in range(_MOST_CLAIMS)]
    wordy = Plan(sub_questions=tuple(SubQuestion(text=f"{n} {_WORD * 20}") for n in range(_MOST_SUB_QUESTIONS)))
    claim = Claim(longest, ())
    looks = [
        inspect_.inspect_prompt(context, wordy, 10, 35_999.0, 35_999.0),
        verify_prompt(claim, Span(35_998.0, 35_999.0), 10),
        load("targets").fill(frames=10, question=fence(context.question)),
        load("timeline_present").fill(thing=_WORD * 40),
        load("timeline_ask").fill(question=_WORD * 80),
    ]
    side, prices = -(-context.settings.max_side // _PATCH), context.ledger.prices
    replies = max(_LONGEST_VLM_REPLY, inspect_.REPLY_TOKENS, TIMELINE_REPLY)
    return Sizes(
        _twice(context, most_tokens(plan_prompt(context)), _PLAN[1]),
        _twice(context, most_tokens(rows_prompt(events, numbered)), _ROWS[1]),
        _said(context, most_tokens(summarise_prompt(context, numbered, how.summary_words)), longest_summary),
        _twice(context, first, _ANSWER[1]),
        _twice(context, most_tokens(direct_prompt(context, numbered, computed)), _ANSWER[1]),
        _twice(context, most_tokens(options_prompt(context, numbered, context.options)), _SCORES[1])
        if context.options
        else Cost(),
        _twice(context, most_tokens(support_prompt(context, claims, _by_id(items))), _SUPPORT[1]),
        Cost(vlm_calls=1, tokens_in=max(map(most_tokens, looks)), tokens_out=replies, money=prices.call),
        Cost(frames=1, tokens_in=max(_MOST_FRAME_TOKENS, side * side), money=prices.frame),
    )


def _said(context: Context, tokens_in: int, tokens_out: int, calls: int = 1) -> Cost:
    money = context.ledger.prices.chat(tokens_in, tokens_out)
    return Cost(llm_calls=calls, tokens_in=tokens_in, tokens_out=tokens_out, money=money)


def _twice(context: Context, tokens_in: int, tokens_out: int) -> Cost:
    """A reply that has to be mended: the second request quotes the first, its reply and what is wrong with it."""
    mending = most_tokens(load("repair").text) + _COMPLAINTS
    return _said(context, 2 * tokens_in + tokens_out + mending, 2 * tokens_out, 2)


def _longest(context: Context, seen: int) -> tuple[list[Item], str]:
    """The items that make the longest prompts, and the text of the longest note of all."""
    usual = _WORD * (NOTE_CHARACTERS // len(_WORD))
    ids = context.store.notes.ids(context.filter)
    videos = context.store.videos.all()
    longest_path = max(videos, key=lambda video: len(video.path)) if videos else None
    if len(ids) > _MOST_READ and longest_path is not None:
        notes = [_note(longest_path.id, f"note {n}", usual) for n in range(MOST_NOTES)]
    else:
        found = context.store.notes.select(context.filter)
        notes = sorted(found, key=lambda note: -most_tokens(note.text[: 2 * NOTE_CHARACTERS]))[:MOST_NOTES]
    if longest_path is not None:
        notes = [_note(longest_path.id, f"seen {n}", usual) for n in range(seen)] + notes
    items = [Item(note, context.retriever.path(note.video_id), 0.0, 0.0) for note in notes]
    return items, max([usual, *(note.text for note in notes)], key=most_tokens)


def _note(video_id: str, note_id: str, text: str) -> Note:
    return Note(note_id, video_id, None, Span(35_998.0, 35_999.0), text, "seen")


def _by_id(items: Sequence[Item]) -> dict[str, Item]:
    return {item.note.id: item for item in items}


def _one_of(cost: Cost) -> Cost:
    """What one of its calls takes at most: the later one, which quotes the first, is no longer than both together."""
    return replace(cost, llm_calls=1)
