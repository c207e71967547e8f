"""How tools look and charge: every number of it in one frozen record, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolRules:
    """The rules of the tools; those of where to look are `lvqa.temporal`'s and `lvqa.zoom`'s."""

    seen: float = 0.5  # even odds: the presence from which a thing counts as seen
    same_frame_s: float = (
        0.02  # by hand: a look this near a keyframe was at its frame; below half a frame at 25 a second
    )
    apart_s: float = 1.0  # by hand: keyframes and candidates of a searcher stand at least so far apart
    search_share: float = 0.5  # by hand: of the frames left, those a search may look at; the rest are the question's
    money: float = 1e-9  # sums of prices are off by less than this
    focus_s: float = 16.0  # DESIGN: a focus is at most so long, some two clips
    focus_frames: int = 8  # by hand: frames of a focus, one every two seconds at most
    skim_frames: int = 16  # by hand: frames of a stretch that is skimmed
    overview_frames: int = 24  # by hand: frames of a whole video
    together_s: float = 8.0  # by hand: named times further apart are not shown together: nothing would tie them
    notes: int = 48  # as many as a prompt shows notes: what one reading returns
    hits: int = 50  # by hand: what one search or finding returns at most
    videos: int = 50  # by hand: videos that an overview of all tells of
    gap_s: float = 2.0  # by hand: a shorter stretch between two captions is no gap
    gaps: int = 8  # by hand: stretches that are named as not looked at; the others are counted
    text: int = 300  # by hand: characters of a text in a result
    events: int = 8  # as many as a plan holds
    event: float = 0.35  # by hand: a note tells of an event from this closeness on
    event_share: float = 0.75  # by hand: and from this share of the closest one's
    frame_s: float = 1.0  # the spacing of embedded frames: what a frame stands for


RULES = ToolRules()
