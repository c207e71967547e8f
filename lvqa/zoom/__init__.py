"""Temporal search: which few frames of a video show what is searched for, and what it cost to find them.

`base` has the two interfaces, `Searcher` and `FrameScorer`; `searchers` has a module for each, ours and those of the
literature. `footage` is what they search, `scorers` what they see with, `looking` charges and remembers. `across`
shares one budget among the videos of an archive, `plot` draws a search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.zoom.across import Opener as Opener
    from lvqa.zoom.across import is_searchable as is_searchable
    from lvqa.zoom.across import search_videos as search_videos
    from lvqa.zoom.across import searchable as searchable
    from lvqa.zoom.arrays import Crop as Crop
    from lvqa.zoom.base import FrameScorer as FrameScorer
    from lvqa.zoom.base import Query as Query
    from lvqa.zoom.base import Round as Round
    from lvqa.zoom.base import SearchBudget as SearchBudget
    from lvqa.zoom.base import Searcher as Searcher
    from lvqa.zoom.base import SearchResult as SearchResult
    from lvqa.zoom.base import Trace as Trace
    from lvqa.zoom.looking import evenly as evenly
    from lvqa.zoom.plot import picture as picture
    from lvqa.zoom.plot import save as save
    from lvqa.zoom.registry import DEFAULT as DEFAULT
    from lvqa.zoom.registry import SEARCHERS as SEARCHERS
    from lvqa.zoom.registry import check_searcher as check_searcher
    from lvqa.zoom.registry import make_searcher as make_searcher
    from lvqa.zoom.salience import AROUND_S as AROUND_S
    from lvqa.zoom.salience import against_around as against_around
    from lvqa.zoom.salience import peaks as peaks
    from lvqa.zoom.salience import running_median as running_median
    from lvqa.zoom.scorers import Scorers as Scorers
    from lvqa.zoom.scorers import Yes as Yes
    from lvqa.zoom.scorers import calibrated as calibrated
    from lvqa.zoom.scorers import yes_bar as yes_bar

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "across": ("Opener", "is_searchable", "search_videos", "searchable"),
        "arrays": ("Crop",),
        "base": ("FrameScorer", "Query", "Round", "SearchBudget", "SearchResult", "Searcher", "Trace"),
        "looking": ("evenly",),
        "plot": ("picture", "save"),
        "registry": ("DEFAULT", "SEARCHERS", "check_searcher", "make_searcher"),
        "salience": ("AROUND_S", "against_around", "peaks", "running_median"),
        "scorers": ("Scorers", "Yes", "calibrated", "yes_bar"),
    },
)
