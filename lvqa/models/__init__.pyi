from .base import (
    Box as Box,
    Detector as Detector,
    Embedder as Embedder,
    Frame as Frame,
    ImageEmbedder as ImageEmbedder,
    InFlight as InFlight,
    Reply as Reply,
    TextReader as TextReader,
    Transcriber as Transcriber,
    Utterance as Utterance,
    Vectors as Vectors,
    VisionModel as VisionModel,
    VisionRequest as VisionRequest,
)
from .capabilities import capabilities_of as capabilities_of
from .choose import NO_CHAT as NO_CHAT, NONE as NONE
from .profiles import describe as describe
from .registry import ROLES as ROLES, Role as Role
from .replies import (
    as_model_errors as as_model_errors,
    boxes_of as boxes_of,
    encode_document as encode_document,
    encode_frames as encode_frames,
    encode_query as encode_query,
    encoded as encoded,
    estimate_tokens as estimate_tokens,
    in_flight as in_flight,
    replies_of as replies_of,
    replies_within as replies_within,
    reply_to as reply_to,
    usable_caption as usable_caption,
    usable_summary as usable_summary,
    yes_of as yes_of,
)
from .served import side_by_side as side_by_side
from .text_lines import (
    LineReader as LineReader,
    Parallel as Parallel,
    TextLine as TextLine,
    blocks_of as blocks_of,
    rows_of as rows_of,
    stacked as stacked,
)
