"""The small videos of `tests/shared/small_videos.py`."""

from small_videos import archive as archive
from small_videos import folder as folder
from small_videos import light as light
from small_videos import lvqa as lvqa
from small_videos import make_video as make_video
from small_videos import models as models
from small_videos import open_place as open_place
