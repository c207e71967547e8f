"""The values that travel between the rooms: frozen, checked when made, units in the names.

Time is float seconds from the start of the video. This room knows nothing of files, models or the store, and imports
nothing but the errors.
"""

from __future__ import annotations

from lvqa.types.answers import ANSWER_STATUSES as ANSWER_STATUSES
from lvqa.types.answers import Answer as Answer
from lvqa.types.answers import AnswerStatus as AnswerStatus
from lvqa.types.answers import Computation as Computation
from lvqa.types.answers import Cost as Cost
from lvqa.types.answers import EventRow as EventRow
from lvqa.types.answers import Evidence as Evidence
from lvqa.types.answers import Statement as Statement
from lvqa.types.answers import Step as Step
from lvqa.types.clock import Clock as Clock
from lvqa.types.clock import ClockPiece as ClockPiece
from lvqa.types.clock import clock_lines as clock_lines
from lvqa.types.clock import clock_of as clock_of
from lvqa.types.clock import clock_rows as clock_rows
from lvqa.types.questions import Budget as Budget
from lvqa.types.questions import Question as Question
from lvqa.types.questions import Scope as Scope
from lvqa.types.times import Span as Span
from lvqa.types.times import format_time as format_time
from lvqa.types.times import parse_time as parse_time
from lvqa.types.videos import ALL_TRACKS as ALL_TRACKS
from lvqa.types.videos import LEVELS as LEVELS
from lvqa.types.videos import SOURCES as SOURCES
from lvqa.types.videos import Clip as Clip
from lvqa.types.videos import Hit as Hit
from lvqa.types.videos import Keyframe as Keyframe
from lvqa.types.videos import Level as Level
from lvqa.types.videos import Note as Note
from lvqa.types.videos import Sighting as Sighting
from lvqa.types.videos import Source as Source
from lvqa.types.videos import Streams as Streams
from lvqa.types.videos import Video as Video
