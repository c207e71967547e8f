"""The digest of an archive: one text about all its videos, kept among the index's free-form values.

Knows the store and the videos' summaries; how those came about is told elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lvqa.indexers.hierarchy.condense import Condenser
from lvqa.indexers.hierarchy.extract import DIGEST_WORDS, EXTRACTIVE, Unit, choose
from lvqa.indexers.hierarchy.levels import recipe
from lvqa.language import cut_words, sentences
from lvqa.prompts import load
from lvqa.store import Filter, Store
from lvqa.types import Note

_META = "digest"
# What a video may take of an extractive digest: its first sentences up to so many words.
_VIDEO_SHARE = 30


@dataclass(frozen=True, slots=True)
class Digest:
    """A text about all videos, what wrote it, and the key of the summaries that it was made of."""

    text: str
    model: str
    key: str


def read_digest(store: Store) -> Digest | None:
    """The digest of an index; None where there is none. It may be out of date: see `is_stale`."""
    held = store.meta.get(_META)
    return Digest(**json.loads(held)) if held else None


def is_stale(store: Store, digest: Digest) -> bool:
    """Whether the videos' summaries are not those that a digest was made of: one was changed, added or removed."""
    made_of = digest.key.rpartition(" ")[2].rpartition("-")[2]
    return made_of != _key("", store.notes.ids(_SUMMARIES))


def refresh(store: Store, model: str, condenser: Condenser | None) -> tuple[bool, bool]:
    """Make the digest anew where the videos' summaries or the model changed; none where there are no summaries.

    Returns whether it was made, and whether that was extracted because the chat model gave no usable text. Raises
    ModelError; the digest of before then stays.
    """
    prompt_hash = load("digest").hash if condenser is not None else ""
    key = f"{model} {_key(prompt_hash, store.notes.ids(_SUMMARIES))}"
    held = read_digest(store)
    if held is not None and held.key == key:
        return False, False
    notes = store.notes.select(_SUMMARIES)
    if not notes:
        if held is not None:
            store.meta.set(_META, "")
        return False, False
    paths = {video.id: video.path for video in store.videos.all()}
    notes.sort(key=lambda note: paths[note.video_id])
    entries = [(paths[note.video_id], note.text) for note in notes]
    text, wrote = "", model
    if condenser is not None:
        # One video's text is the archive's, too.
        alone = len(notes) == 1 and notes[0].model == model
        text = entries[0][1] if alone else condenser.archive(entries)
    failed = condenser is not None and not text
    if not text:
        text, wrote = extracted(notes, entries), EXTRACTIVE
    store.meta.set(_META, json.dumps(asdict(Digest(text, wrote, key))))
    return True, failed


def extracted(notes: Sequence[Note], entries: Sequence[tuple[str, str]]) -> str:
    """The beginnings of the summaries that stand for the others, each behind its video's path."""
    if len(notes) == 1:
        return entries[0][1]
    short = [Unit(f"{path}: {_beginning(text)}", "summary") for path, text in entries]
    return " ".join(unit.text for unit in choose(short, DIGEST_WORDS))


def _beginning(text: str) -> str:
    kept = ""
    for sentence in sentences(text):
        if kept and len(f"{kept} {sentence}".split()) > _VIDEO_SHARE:
            break
        kept = f"{kept} {sentence}".strip()
    return cut_words(kept, _VIDEO_SHARE)


def _key(prompt_hash: str, ids: Sequence[str]) -> str:
    return recipe(prompt_hash, "video", sorted(ids))


_SUMMARIES = Filter(sources=frozenset({"summary"}), level="video")
