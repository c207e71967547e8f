from .across import (
    Opener as Opener,
    is_searchable as is_searchable,
    search_videos as search_videos,
    searchable as searchable,
)
from .arrays import Crop as Crop
from .base import (
    FrameScorer as FrameScorer,
    Query as Query,
    Round as Round,
    SearchBudget as SearchBudget,
    Searcher as Searcher,
    SearchResult as SearchResult,
    Trace as Trace,
)
from .footage import cropped as cropped, fitted as fitted, frame_cache as frame_cache
from .looking import evenly as evenly
from .plot import picture as picture, save as save
from .registry import (
    DEFAULT as DEFAULT,
    SEARCHERS as SEARCHERS,
    check_searcher as check_searcher,
    make_searcher as make_searcher,
)
from .salience import (
    AROUND_S as AROUND_S,
    against_around as against_around,
    peaks as peaks,
    running_median as running_median,
)
from .scorers import Scorers as Scorers, Yes as Yes, calibrated as calibrated, yes_bar as yes_bar
