"""The small videos of `tests/shared/small_videos.py`."""

from small_videos import folder as folder
