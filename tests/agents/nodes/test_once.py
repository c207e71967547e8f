"""Over a question that zooms, inspects, runs a program over time and verifies: each frame is decoded once, and what is
charged is what the model was shown."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from lvqa.agents.nodes.inspect import inspect
from lvqa.agents.nodes.verify import verify
from lvqa.agents.nodes.zoom import zoom
from lvqa.agents.programs import presence_of
from lvqa.agents.state import Claim, Draft, Item, Plan, initial
from lvqa.media import FrameReader
from lvqa.models.fake import FakeVision, colour_name
from lvqa.temporal import Inquiry, TemporalQuery, solve
from lvqa.tools.eyes import run
from lvqa.types import Budget


@pytest.mark.parametrize("frames", [3, 24, 96])
def test_a_frame_is_decoded_once_and_charged_once(context, store, monkeypatch, frames):
    decoded: Counter[tuple[Any, float]] = Counter()
    at = FrameReader.at

    def counted(self: FrameReader, times: Any) -> Any:
        found = at(self, times)
        decoded.update({(self.info.path, frame.pts_s) for frame in found})
        return found

    monkeypatch.setattr(FrameReader, "at", counted)

    def yes(request: Any) -> float:
        return 0.95 if colour_name(request.frames[0]) in request.prompt else 0.05

    vision = FakeVision(lambda request: f"a wall that is {colour_name(request.frames[0])}", yes)
    made = context("When is there a green towel?", vision=vision, budget=Budget(frames=frames, vlm_calls=frames))
    runtime: Any = SimpleNamespace(context=made)
    state = initial() | {"plan": Plan(kind="when", targets=("a green towel",), phrases=("a green towel",), named=True)}
    state["hits"] = made.retriever.search("a green towel", 8)
    shown: list[int] = [0]

    def count() -> int:
        shown.append(sum(len(r.frames) for call in (*vision.calls, *vision.yes_calls) for r in call))
        return shown[-1] - shown[-2]

    state |= zoom(state, runtime)
    looked = count()
    state |= inspect(state, runtime)
    inspected = count()
    query = TemporalQuery("when", ("green towel",))
    eyes = made.eyes.fresh()
    inquiry = Inquiry(query, (), presence_of(made, ()), eyes, ("v-kitchen",))
    result = run(solve(inquiry), eyes.look)
    programmed = count()
    notes = [note for note in (*state["seen"], *(hit.note for hit in state["hits"])) if note.video_id == "v-kitchen"]
    items = [Item(note, "kitchen.mp4", 1.0, 1.0) for note in notes]
    claims = tuple(Claim(f"there is a green towel, {n}", (item.note.id,)) for n, item in enumerate(items))
    ended = verify({**state, "items": items, "draft": Draft("green", None, claims, own=0.9, by="chat")}, runtime)
    verified = count()
    if frames == 96:
        assert min(looked, inspected, programmed, verified) > 0
        assert result.found
        # Where it has looked before, verifying looks again with the same frames, and pays for nothing.
        again = verify({**state, "items": items, "draft": Draft("x", None, claims, own=0.9, by="chat")}, runtime)
        assert (count(), again["steps"][0].claims) == (0, ended["steps"][0].claims)
    assert made.ledger.cost.frames == shown[-1] <= frames
    assert made.ledger.cost.vlm_calls == sum(map(len, (*vision.calls, *vision.yes_calls)))
    assert set(decoded.values()) <= {1}
    assert made.frames.decoded == len(decoded)
