"""Models by role: seeing, embedding, detecting, reading, transcribing. Knows nothing of videos or the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.models.base import Box as Box
    from lvqa.models.base import Detector as Detector
    from lvqa.models.base import Embedder as Embedder
    from lvqa.models.base import Frame as Frame
    from lvqa.models.base import ImageEmbedder as ImageEmbedder
    from lvqa.models.base import Reply as Reply
    from lvqa.models.base import TextReader as TextReader
    from lvqa.models.base import Transcriber as Transcriber
    from lvqa.models.base import Utterance as Utterance
    from lvqa.models.base import Vectors as Vectors
    from lvqa.models.base import VisionModel as VisionModel
    from lvqa.models.base import VisionRequest as VisionRequest
    from lvqa.models.capabilities import capabilities_of as capabilities_of
    from lvqa.models.choose import NO_CHAT as NO_CHAT
    from lvqa.models.choose import NONE as NONE
    from lvqa.models.profiles import describe as describe
    from lvqa.models.registry import Role as Role
    from lvqa.models.replies import as_model_errors as as_model_errors
    from lvqa.models.replies import boxes_of as boxes_of
    from lvqa.models.replies import encode_document as encode_document
    from lvqa.models.replies import encode_frames as encode_frames
    from lvqa.models.replies import encode_query as encode_query
    from lvqa.models.replies import estimate_tokens as estimate_tokens
    from lvqa.models.replies import replies_of as replies_of
    from lvqa.models.replies import reply_to as reply_to
    from lvqa.models.replies import usable_caption as usable_caption
    from lvqa.models.replies import yes_of as yes_of

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base": (
            "Box",
            "Detector",
            "Embedder",
            "Frame",
            "ImageEmbedder",
            "Reply",
            "TextReader",
            "Transcriber",
            "Utterance",
            "Vectors",
            "VisionModel",
            "VisionRequest",
        ),
        "capabilities": ("capabilities_of",),
        "choose": ("NONE", "NO_CHAT"),
        "profiles": ("describe",),
        "registry": ("Role",),
        "replies": (
            "as_model_errors",
            "boxes_of",
            "encode_document",
            "encode_frames",
            "encode_query",
            "estimate_tokens",
            "replies_of",
            "reply_to",
            "usable_caption",
            "yes_of",
        ),
    },
)
