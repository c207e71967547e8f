"""Hybrid recall: notes by their words (FTS5), by their meaning (vectors), by the frames behind them; then passages.

Each channel proposes notes and scores them on a scale of its own that does not depend on what else was proposed: BM25
is log-odds already, cosines are measured against the archive's background. Words and meaning add up to a note's
log-odds; the frames are a second witness, whose probability is mixed with theirs, since where captions are poor no sum
lets the frames prevail. What becomes of it over time, `passages` tells. Rank fusion, and z-scores over the candidates
of one search, were worse (eval/LOG.md). This module knows notes and vectors, not videos' files and not who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lvqa.language.words import exact_parts
from lvqa.models.base import Embedder, ImageEmbedder
from lvqa.models.replies import encode_query
from lvqa.recall.background import Values, background
from lvqa.recall.candidates import Candidates
from lvqa.recall.lookups import StoreLookups, of_clips
from lvqa.recall.passages import Positions, choose_passages, passage_of, posterior
from lvqa.recall.query import SearchQuery, understand
from lvqa.recall.ranking import literalness, rank
from lvqa.recall.relevance import dense_closeness, lexical_closeness
from lvqa.recall.rules import CHANNELS, Channel, RecallRules
from lvqa.recall.timing import Timing
from lvqa.store import Filter, Store, TextQuery
from lvqa.types import Hit, Note, Span

# A frame so many standard deviations above the others is relevant, whatever the captions say.
_FRAME_STANDS_OUT = 4.5


@dataclass(slots=True)
class _RecallSearch:
    """One search: what is asked by which rules, and what was found so far, by note id.

    `frame_z` are the frames' scores on the scale of the archive's frames, `scores` each note's log-odds.
    """

    asked: SearchQuery
    wanted: Filter
    rules: RecallRules
    n: int
    by_text: bool
    by_meaning: bool
    by_frames: bool
    literal: Sequence[str]
    text: dict[str, float] = field(default_factory=dict)
    dense: dict[str, float] = field(default_factory=dict)
    frames: dict[str, float] = field(default_factory=dict)
    frame_z: dict[str, float] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def channels(self, note_id: str) -> dict[str, float]:
        by_name = {"text": self.text, "dense": self.dense, "frames": self.frames}
        return {name: found[note_id] for name, found in by_name.items() if note_id in found}


class Retriever(StoreLookups):
    """Searches one store; remembers videos, notes and vectors, so use it for one question and let it go."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder | None,
        image_embedder: ImageEmbedder | None = None,
        *,
        channels: Sequence[Channel] = CHANNELS,
        rules: RecallRules | None = None,
    ) -> None:
        super().__init__(store, embedder if "dense" in channels else None)
        self.image_embedder = image_embedder if "frames" in channels else None
        self.text = "text" in channels
        self.rules = rules or RecallRules()
        # Notes of whole videos that a search in them has read, by video id: rounds come back to the same ones.
        self.opened: dict[str, Sequence[Note]] = {}
        self._texts: dict[tuple[str, int, Filter | None], dict[str, float]] = {}

    def forget(self) -> None:
        """Read everything of the store anew from now on; the vectors of queries stay."""
        super().forget()
        self.opened.clear()
        self._texts.clear()

    def search(
        self,
        query: str,
        k: int,
        filter: Filter | None = None,
        *,
        also: Sequence[str] = (),
        options: Sequence[str] = (),
        channels: Sequence[Channel] = CHANNELS,
        rules: RecallRules | None = None,
    ) -> list[Hit]:
        """The k passages that together most probably hold what is searched for, best first; none where nothing is near.

        Args:
            query: a question, or any text.
            k: hits wanted; fewer where there are not as many notes.
            filter: what they must satisfy. Notes of clips unless it names a level or summaries.
            also: further phrases for the same; a note is as near as to the nearest.
            options: answers to choose from, each searched together with the question.
            channels: narrows the search to some of those that the retriever has.
            rules: in place of the retriever's.

        `Hit.score` is the probability that the hit, and none before it, holds what was searched for; `Hit.channels` has
        each channel's own score: bm25, cosine, cosine of the best frame. Equal scores are ordered by path, start, id.
        """
        if k <= 0 or not query.strip():
            return []
        search, timing = self._begin(query, k, filter, also, options, channels, rules or self.rules)
        chosen = self._candidates(search, timing)
        # Whoever names the videos says that they are relevant.
        everywhere = filter is None or filter.video_ids is None
        if not len(chosen) or (everywhere and not self._is_relevant(search, chosen)):
            return []
        picks, added, shares = self._pick(chosen, k, search, timing)
        hits = [
            Hit(
                self.path(chosen.notes[row].video_id),
                chosen.notes[row],
                float(added[i]),
                search.channels(chosen.notes[row].id),
                self._window(chosen, row, shares) if search.rules.windows else chosen.stretch(row),
            )
            for i, row in enumerate(picks.tolist())
        ]
        return sorted(hits, key=rank)

    def candidates(self, query: str, k: int, filter: Filter | None = None, *, rules: RecallRules) -> Candidates:
        """What `search` weighs for a query: the notes that the channels propose, and the log-odds of each."""
        return self._candidates(*self._begin(query, k, filter, (), (), CHANNELS, rules))

    def _begin(
        self,
        query: str,
        k: int,
        filter: Filter | None,
        also: Sequence[str],
        options: Sequence[str],
        channels: Sequence[Channel],
        rules: RecallRules,
    ) -> tuple[_RecallSearch, Timing | None]:
        asked = understand(query, also, options, rewrite=rules.rewrite, relations=rules.relations)
        by_text = self.text and "text" in channels
        search = _RecallSearch(
            asked,
            of_clips(filter),
            rules,
            max(4 * k, rules.candidates),
            by_text,
            self.embedder is not None and "dense" in channels,
            self.image_embedder is not None and "frames" in channels,
            exact_parts(query) if by_text else [],
        )
        if search.by_meaning:
            self.prepare(asked.phrases)
        return search, Timing(asked.relation, self, search.wanted) if asked.relation.says_when else None

    def _candidates(self, search: _RecallSearch, timing: Timing | None) -> Candidates:
        if search.by_text:
            search.text = self._by_words(search.asked, search.literal, search.n, search.wanted)
        if search.by_frames:
            self._by_frames(search)
        if search.by_meaning:
            search.dense = self._by_meaning(search.asked, search.n, search.wanted)
        self._score(search)
        if timing is not None and timing.widens:
            self._widen(search, timing)
        return self._weighed(search, search.n if timing is None else 2 * search.n)

    # --- what the channels propose

    def _by_words(self, asked: SearchQuery, literal: Sequence[str], n: int, wanted: Filter) -> dict[str, float]:
        found: dict[str, float] = {}
        for query in [*(TextQuery.of(words) for words in asked.words), *(TextQuery((part,)) for part in literal)]:
            for note_id, score in self._text(query, n, wanted).items():
                found[note_id] = max(score, found.get(note_id, score))
        return found

    def _text(self, query: TextQuery, n: int, filter: Filter | None) -> dict[str, float]:
        """The n best notes by bm25. Phrases of one question often differ in stop words alone: each is run once."""
        key = (query.to_fts(), n, filter)
        if key not in self._texts:
            self._texts[key] = dict(self.store.notes.search(query, n, filter))
        return self._texts[key]

    def _by_meaning(self, asked: SearchQuery, n: int, wanted: Filter) -> dict[str, float]:
        """The best cosine of each of the n best notes of every meaning."""
        assert self.embedder is not None
        found: dict[str, float] = {}
        for group in asked.meanings:
            for note_id, score in self.store.vectors.search(self.embedder.name, self.meaning(group), n, wanted):
                found[note_id] = max(score, found.get(note_id, score))
        return found

    def _by_frames(self, search: _RecallSearch) -> None:
        """The cosine, and the z-score, of the best frame behind each note that covers one of the n best frames.

        One description is enough, each costs a call of the image embedder.
        """
        assert self.image_embedder is not None
        name = self.image_embedder.name
        vector = encode_query(self.image_embedder, [search.asked.meanings[0][-1]])[0]
        # Neighbours look alike: it takes more frames than notes to tell as many passages.
        n = max(search.n, search.rules.frame_candidates)
        frames = self.store.frames.search(name, vector, n, search.wanted)
        behind = self.store.notes.at([(frame.video_id, frame.time_s) for frame in frames], search.wanted)
        for frame, notes in zip(frames, behind, strict=True):
            self.remember(notes)
            for note in notes:
                # What is said need not be what is seen: a picture speaks for notes of the picture.
                if note.source not in ("speech", "signs"):
                    search.frames[note.id] = max(frame.score, search.frames.get(note.id, frame.score))
        cosines = np.array(list(search.frames.values()))
        scale = background(self.store, "frames", name)
        z = scale.standardise(vector, cosines, [""] * len(cosines))
        search.frame_z = dict(zip(search.frames, z.tolist(), strict=True))

    # --- what they make together

    def _score(self, search: _RecallSearch) -> None:
        """Give every note that any channel proposed its log-odds, with the cosines that it was not proposed by."""
        ids = sorted(search.text.keys() | search.dense.keys() | search.frames.keys())
        rules = search.rules
        scores = np.zeros(len(ids))
        if search.by_meaning and ids:
            scores += rules.dense * self._dense_scores(search, ids)
        weight = rules.text if search.by_meaning else rules.text_alone
        scores += weight * np.array([search.text.get(note_id, 0.0) for note_id in ids])
        search.scores = dict(zip(ids, scores.tolist(), strict=True))

    def _dense_scores(self, search: _RecallSearch, ids: Sequence[str]) -> Values:
        """The z-score of each note for the meaning that it is nearest to; notes without a vector get the least."""
        assert self.embedder is not None
        meanings = search.asked.meanings
        # The search told the exact cosines of what it proposed; with several meanings it told only the best.
        known = search.dense if len(meanings) == 1 else {}
        vectors = self.stored([note_id for note_id in ids if note_id not in known])
        scale = background(self.store, "notes", self.embedder.name)
        notes = self.notes(ids)
        here = [note_id for note_id in ids if note_id in notes and (note_id in known or note_id in vectors)]
        result = np.zeros(len(ids))
        if not here:
            return result
        sources = [notes[note_id].source for note_id in here]
        nearest = np.full(len(here), -np.inf)
        cosines = np.full(len(here), -1.0)
        for group in meanings:
            query = self.meaning(group)
            near = np.array([known[i] if i in known else float(vectors[i] @ query) for i in here])
            cosines = np.maximum(cosines, near)
            nearest = np.maximum(nearest, scale.standardise(query, near, sources))
        search.dense.update(zip(here, cosines.tolist(), strict=True))
        by_id = dict(zip(here, nearest.tolist(), strict=True))
        least = float(nearest.min())
        return np.array([by_id.get(note_id, least) for note_id in ids])

    def _widen(self, search: _RecallSearch, timing: Timing) -> None:
        """Add the notes of the times that the question points at, in the best videos: they need not be like it."""
        notes = self.notes(search.scores)
        best: dict[str, float] = {}
        for note_id, score in search.scores.items():
            if note_id in notes:
                video_id = notes[note_id].video_id
                best[video_id] = max(score, best.get(video_id, score))
        added = timing.pointed_at(sorted(best, key=lambda video_id: (-best[video_id], video_id)))
        self.remember(added)
        for note in added:
            search.text.setdefault(note.id, 0.0)
        if added:
            self._score(search)

    def _weighed(self, search: _RecallSearch, most: int) -> Candidates:
        """The best candidates, in order; what is said literally counts only where words are searched."""
        kept = sorted(search.scores, key=lambda note_id: (-search.scores[note_id], note_id))
        if not search.literal:
            kept = list(dict.fromkeys([*kept[: 2 * most], *search.frame_z]))
        notes = self.notes(kept)
        certain = {}
        if search.by_text:
            query, literal = search.asked.text, search.literal
            certain = {note_id: literalness(query, literal, note.text) for note_id, note in notes.items()}
        videos = {note.video_id for note in notes.values()}
        self.look_up(videos)
        paths = {video_id: self.path(video_id) for video_id in videos}
        seen = {note_id: search.rules.frames * z for note_id, z in search.frame_z.items()}
        return Candidates.of(list(notes.values()), search.scores, seen, certain, paths)

    def _pick(
        self, chosen: Candidates, k: int, search: _RecallSearch, timing: Timing | None
    ) -> tuple[Positions, Values, Values]:
        rules = search.rules
        told = search.by_text or search.by_meaning
        prior = None if timing is None else (lambda within: timing.prior(chosen, within))

        def of(log_odds: Values) -> Values:
            return posterior(
                log_odds,
                chosen.videos,
                len(chosen.video_ids),
                time_share=rules.time_share,
                certain=chosen.certain,
                prior=prior,
            )

        shares = of(chosen.scores) if told else np.zeros(len(chosen))
        if (chosen.seen > -np.inf).any():
            # Two witnesses, not one sum: where captions are poor the frames still have their say, and the other way.
            part = rules.seen_share if told else 1.0
            shares = (1 - part) * shares + part * of(chosen.seen)
        more = len(chosen) - len(np.unique(chosen.runs))  # rows of a run of which one is shown already
        picks, added = choose_passages(
            shares,
            chosen.middles_s,
            chosen.ends_s - chosen.starts_s,
            chosen.videos,
            chosen.kinds,
            k + more,
            coverage_s=rules.coverage_s,
        )
        # Of what says the same, one after the other, the best pick is the hit.
        first = np.sort(np.unique(chosen.runs[picks], return_index=True)[1])[:k]
        return picks[first], added[first], shares

    def _window(self, chosen: Candidates, row: int, shares: Values) -> Span:
        mine = chosen.videos == chosen.videos[row]
        span = Span(float(chosen.starts_s[row]), float(chosen.ends_s[row]))
        duration_s = self.duration_s(chosen.notes[row].video_id)
        return passage_of(span, chosen.starts_s[mine], chosen.ends_s[mine], shares[mine], duration_s)

    def _is_relevant(self, search: _RecallSearch, chosen: Candidates) -> bool:
        """Whether any candidate has anything to do with the query; without vectors, having a word of it is enough."""
        stands_out = any(z >= _FRAME_STANDS_OUT for z in search.frame_z.values())
        if not search.by_meaning or stands_out or chosen.certain.any():
            return True
        assert self.embedder is not None
        least = search.rules.least_relevance
        nearest = max((search.dense[note.id] for note in chosen.notes if note.id in search.dense), default=None)
        if nearest is None or float(dense_closeness(self.embedder, np.array(nearest))) >= least:
            return True
        return any(
            lexical_closeness(words, note.text) >= least
            for note in chosen.notes
            if note.id in search.text
            for words in search.asked.words
        )
