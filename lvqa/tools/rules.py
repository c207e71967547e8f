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


RULES = ToolRules()
