"""Every place where words stand, as a search for text lists them: no ranking, nothing left out, nothing like them."""

from __future__ import annotations

from lvqa.language.words import exact_parts, has_exactly, keywords
from lvqa.recall.candidates import runs_of
from lvqa.recall.lookups import of_clips
from lvqa.store import Filter, Store, TextQuery
from lvqa.types import SOURCES, Hit, Span

# More notes than there are in any archive.
_ALL = 1 << 30


def places(store: Store, query: str, filter: Filter | None = None) -> list[Hit]:
    """The notes that hold the words of a query, all of them, by video, kind of note and time.

    What stands in quotation marks is a phrase, of anything else each word counts. Notes that say the same one after the
    other are one place. Notes of clips unless the filter names a level or summaries.

    Returns:
        A hit a place, its score 1.
    """
    parts = exact_parts(query) or keywords(query) or tuple(query.split())
    found = store.notes.search(TextQuery(tuple(parts)), _ALL, of_clips(filter))
    notes = [
        note
        for note in store.notes.get_many([note_id for note_id, _ in found])
        if all(has_exactly(note.text, part) == 1 for part in parts)
    ]
    paths = {video.id: video.path for video in store.videos.get_many({note.video_id for note in notes}).values()}
    notes.sort(key=lambda n: (paths[n.video_id], SOURCES.index(n.source), n.span, n.id))
    return [
        Hit(paths[run[0].video_id], run[0], 1.0, {}, Span(run[0].span.start_s, max(n.span.end_s for n in run)))
        for run in runs_of(notes)
    ]
