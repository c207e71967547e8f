"""The tools on a minute of the laboratory's world, whose truth is known, with its tiny models and a real index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from real import real_models

from lvqa import Archive
from lvqa.eval.lab.tiny.models import open_archive
from lvqa.eval.lab.world.build import WorldSet, build
from lvqa.tools.find import find
from lvqa.tools.look import look
from lvqa.tools.measure import measure
from lvqa.tools.overview import overview
from lvqa.tools.read import read
from lvqa.tools.search import search
from lvqa.types import Budget, Scope

pytestmark = [pytest.mark.slow, pytest.mark.real_models]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WorldSet, Archive]]:
    """One video of one minute: a red star comes at 45 s, a black moon is gone from 13 s to 17 s."""
    world = build(tmp_path_factory.mktemp("world") / "w", 1, 7, videos=1)
    with real_models(allowed=True), open_archive(world.folder) as archive:
        archive.index()
        yield world, archive


def test_every_tool_is_right_about_the_world(made):
    world, archive = made
    (video,) = world.videos
    events: dict[str, Any] = {event.kind: event for event in video.events}
    star = f"{events['appear'].colour} {events['appear'].shape}"
    begin, end = events["appear"].start_s, events["appear"].end_s

    def opened(frames: int = 96) -> Any:
        return archive.bench(budget=Budget(frames=frames, vlm_calls=frames))

    with opened() as bench:
        (one,) = overview(bench).videos
        assert (one.video.path, one.is_there) == (video.name, True)
        assert read(bench, video.name).left_out == ()
        said = read(bench, video.name, sources=("speech",)).notes
        assert [note.text for note in said] == [line.text for line in video.subtitles]
        heard = search(bench, "it is quiet here", Scope(sources=("speech",)), k=1)
        assert [hit.note.text for hit in heard.hits] == ["It is quiet here today."]
        seen = [one for one in find(bench, star, k=2).sights if one.seen]
        assert seen
        assert all(begin - 0.5 <= one.time_s < end + 0.5 for one in seen)
    with opened() as bench:
        count = measure(bench, "count", [star])
        assert (count.basis, count.found.text[:1], len(count.found.rows)) == ("looked", "1", 1)
        assert begin - 0.5 <= count.found.rows[0].span.start_s <= end
        assert bench.ledger.cost.frames == count.frames > 0
        order = measure(bench, "before_after", [star, "purple square"])
        assert order.found.text.startswith("After")
        assert measure(bench, "count", ["purple moon"]).found is None
        colour = look(bench, video.name, (begin, end), f"what colour is the {events['appear'].shape}?")
        assert events["appear"].colour in {note.text for note in colour.notes}
    with opened(0) as bench:
        none = measure(bench, "count", [star])
        assert (none.frames, none.found) == (0, None)
        assert any("budget spent" in line for line in none.left_out)
