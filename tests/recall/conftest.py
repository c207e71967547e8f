"""The small archive of `tests/shared/kitchen.py`."""

from kitchen import embedder as embedder
from kitchen import fill as fill
from kitchen import folder as folder
from kitchen import kitchen_mp4 as kitchen_mp4
from kitchen import note as note
from kitchen import store as store
