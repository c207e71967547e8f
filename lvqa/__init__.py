"""Questions about hours of video, answered with the video and the seconds that show it."""

from __future__ import annotations
