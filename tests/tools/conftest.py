"""The small archive with a real video beside it, for the tools."""

from __future__ import annotations

from kitchen import embedder as embedder
from kitchen import fill as fill
from kitchen import folder as folder
from kitchen import kitchen_mp4 as kitchen_mp4
from kitchen import store as store
