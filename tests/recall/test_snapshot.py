"""A search is of one moment, whatever is written meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder
from lvqa.recall import hybrid_search
from lvqa.store import Store
from lvqa.types import Clip, Note, Span, Video


def _replace(store: Store, n: int, embedder: FakeEmbedder, images: FakeImageEmbedder) -> None:
    """A video of another name in place of the last, in one transaction."""
    video = Video(f"v{n}", f"take{n}.mp4", f"h{n}", 40.0)
    clips = [Clip.of(video.id, Span(4.0 * i, 4.0 * i + 4)) for i in range(10)]
    notes = [Note(f"n{n}.{i}", video.id, c.id, c.span, f"a red kite {i}", "caption") for i, c in enumerate(clips)]
    with store.atomic():
        for old in store.videos.all():
            store.videos.remove(old.id)
        store.videos.put(video)
        store.clips.put(clips)
        store.notes.put(notes)
        store.vectors.put(embedder.name, [note.id for note in notes], embedder.encode_document([n.text for n in notes]))
        store.frames.put(images.name, video.id, [4.0 * i for i in range(10)], images.encode_query(["red"] * 10))


def test_hits_are_all_of_one_version_and_of_a_video_that_is_there(tmp_path: Path):
    embedder, images = FakeEmbedder(), FakeImageEmbedder()
    failures: list[BaseException] = []
    done = threading.Event()
    seen: set[str] = set()

    def read(store: Store) -> None:
        def search() -> None:
            hits = hybrid_search(store, embedder, "the red kite", 5, image_embedder=images)
            # Between these two calls the store may change; inside `consistent` it must not.
            known = {video.id: video.path for video in store.videos.all()}
            assert hits
            assert {(hit.note.video_id, hit.video) for hit in hits} == set(known.items())
            assert all(set(hit.channels) == {"text", "dense", "frames"} for hit in hits)
            seen.update(known)

        def alone() -> None:
            hits = hybrid_search(store, embedder, "the red kite", 5, image_embedder=images)
            assert len({hit.note.video_id for hit in hits}) == 1
            assert all(hit.video.startswith("take") for hit in hits)  # a video that is gone would go by its id

        try:
            while not done.is_set():
                store.consistent(search)
                alone()
        except BaseException as error:
            failures.append(error)
            done.set()

    with Store.open(tmp_path, write=True) as writer, Store.open(tmp_path) as other:
        _replace(writer, 0, embedder, images)
        threads = [threading.Thread(target=read, args=(store,)) for store in (writer, other, other)]
        for thread in threads:
            thread.start()
        n = 0
        # As long as it takes until the readers saw more than one; they set `done` where they fail.
        while (n := n + 1) < 40 or len(seen) < 2:
            if done.is_set():
                break
            _replace(writer, n, embedder, images)
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(seen) > 1
