"""What models reply, and what becomes of a model that fails: a ModelError of one line, whatever it raised.

Knows no prompt, no budget, and not who asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lvqa.errors import LateReply, LvqaError, ModelError
from lvqa.language.lengths import cut_words
from lvqa.models.base import (
    UNKNOWN,
    Box,
    Detector,
    Embedder,
    Frame,
    ImageEmbedder,
    InFlight,
    Reply,
    Vectors,
    VisionModel,
    VisionRequest,
    is_cut,
)
from lvqa.models.hf.common import DeviceMemoryFull, first_line, is_out_of_memory
from lvqa.models.served.slots import begun
from lvqa.models.thoughts import without_thoughts
from lvqa.prompts import clean, whole

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4

_REFUSAL = re.compile(
    r"^\W*(?:i(?:'|’)?m (?:sorry|unable|not able)|i am (?:sorry|unable|not able)|sorry\b"
    r"|i (?:can(?:'|’)?t|cannot|can not)\b|as an ai\b|unable to (?:see|view|describe|process)"
    r"|no (?:image|frame|picture)s? (?:was|were|is|are|has|have)\b)",
    re.IGNORECASE,
)
_HOW = r"(?:dense|factual|detailed|short|brief|one-sentence|clip|video|final|revised)"
_WHAT = rf"(?:{_HOW}[\s,]+)*(?:caption|description|summary)"
# "Sure! Here is a dense caption of this clip:", "Caption:", "The caption is:": what stands before the caption itself.
_PREAMBLE = re.compile(
    rf"^(?:(?:sure|certainly|of course|okay|ok|absolutely|great)\b[^.:!\n]*[.:!,]\s*)?"
    rf"(?:here(?:['’]?s|\s+is|\s+are)\b[^:\n]{{0,120}}:\s*"
    rf"|(?:the\s+)?{_WHAT}(?:\s+(?:is|of|for)\b[^:\n]{{0,80}})?\s*:\s*)+",
    re.IGNORECASE,
)
_COURTESY = re.compile(r"^(?:sure|certainly|of course|okay|absolutely)\b[^.:!\n]{0,40}[.:!]\s+(?=\S)", re.IGNORECASE)
_MARKUP = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1|^#{1,6}\s+|^[-*•]\s+|`{3,}\w*", re.MULTILINE)
_OBJECT = re.compile(r"^\s*(?:`{3,}\w*\s*)?(\{.*\})\s*(?:`{3,}\s*)?$", re.DOTALL)
_QUOTES = ('""', "“”", "''", "‘’", "``")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
# Where a sentence ends; no number and no initial does.
_ENDS = re.compile(r"(?<![\s.][A-Z])(?<!\be\.g)[.!?。！？]+[\"”’')\]]*(?=\s|$)")
_TOLERANCE = 1.5
# So many words in a row, again and again, are a model that went round in circles.
_LOOP_WORDS, _LOOPS = 24, 4


@contextmanager
def as_model_errors(what: str, name: str = "") -> Iterator[None]:
    """Turn what a model raises into one line; a full memory stays one, as OutOfMemory. Raises ModelError."""
    try:
        yield
    except LvqaError:
        raise
    except Exception as error:  # a server or a backend can raise anything; all of it means that this model failed
        whose = f"the server or weights of {name}" if name else "its server or weights"
        raise (DeviceMemoryFull if is_out_of_memory(error) else ModelError)(
            f"{what} failed ({type(error).__name__}: {first_line(error)}); "
            f"check that {whose} are there, or ask with another one"
        ) from error


_seconds_left: ContextVar[Callable[[], float] | None] = ContextVar("seconds_left", default=None)


@contextmanager
def replies_within(seconds_left: Callable[[], float]) -> Iterator[None]:
    """Inside the `with`, what is asked of a model has to be there before no seconds are left, or is a LateReply.

    Holds for whatever runs in this context, threads that copy it included.
    """
    token = _seconds_left.set(seconds_left)
    try:
        yield
    finally:
        _seconds_left.reset(token)


def _in_time(call: Callable[[], T], name: str) -> T:
    """What a call gives, where that comes in time; else it goes on by itself, and nobody waits. Raises LateReply."""
    seconds_left = _seconds_left.get()
    if seconds_left is None:
        return call()
    done = begun(partial(copy_context().run, call))
    try:
        return done.result(max(0.0, seconds_left()))
    except TimeoutError as error:
        if done.done():
            raise
        raise LateReply(
            f"{name} did not reply before the time was up; give it more (--budget-seconds), or ask less"
        ) from error


def reply_to(chat: BaseChatModel, prompt: str, schema: Mapping[str, Any] | None = None) -> Reply:
    """The model's reply, thoughts left out, with its tokens: estimated where the backend counts none.

    Args:
        chat: the model.
        prompt: what is asked; a `Filled` one brings its system message.
        schema: the JSON Schema that the reply is held to, by a server that can.

    Raises ModelError when the model fails, TooLong where it cannot read so much.
    """
    from langchain_core.messages import HumanMessage, SystemMessage

    system = getattr(prompt, "system", "")
    messages = [*([SystemMessage(system)] if system else []), HumanMessage(str(prompt))]
    held: dict[str, Any] = {"schema": schema} if schema is not None and getattr(chat, "takes_schema", False) else {}
    with as_model_errors("the chat model", name_of(chat)):
        message = _in_time(lambda: chat.invoke(messages, **held), name_of(chat))
    text = str(message.text)
    usage = getattr(message, "usage_metadata", None) or {}
    return Reply(
        without_thoughts(text),
        usage.get("input_tokens") or estimate_tokens(whole(prompt)),
        usage.get("output_tokens") or estimate_tokens(text),
        cut=is_cut(getattr(message, "response_metadata", None) or {}),
    )


def replies_of(vision: VisionModel, requests: Sequence[VisionRequest]) -> list[str]:
    """The vision model's reply to each request, without thoughts. Raises ModelError when it fails or leaves out one."""
    with as_model_errors("the vision model", name_of(vision)):
        made = _in_time(lambda: vision.generate(requests), name_of(vision))
        replies = one_each(made, requests, f"the vision model {name_of(vision)}")
        return [unthought(reply) for reply in replies]


def in_flight(vision: VisionModel) -> InFlight:
    """How a vision model is best asked: in one call at a time, where it does not say."""
    return getattr(vision, "in_flight", None) or InFlight()


def encoded(vision: VisionModel, request: VisionRequest) -> VisionRequest:
    """The request as the model sends it, without raw frames; itself where the model looks at frames itself."""
    encode = getattr(vision, "encoded", None)
    return encode(request) if encode is not None else request


def unthought(reply: str) -> Reply:
    """A reply without thoughts, with the tokens that it took all the same."""
    text = without_thoughts(reply)
    return Reply(text, reply.tokens_in, reply.tokens_out, cut=reply.cut) if isinstance(reply, Reply) else Reply(text)


def yes_of(vision: VisionModel, requests: Sequence[VisionRequest]) -> list[float]:
    """The vision model's P(yes) to each request. Raises ModelError when it fails, or leaves out one."""
    with as_model_errors("the vision model", name_of(vision)):
        made = _in_time(lambda: vision.yes_probability(requests), name_of(vision))
        return one_each(made, requests, f"the vision model {name_of(vision)}")


def encode_query(embedder: Embedder | ImageEmbedder, texts: Sequence[str]) -> Vectors:
    """The vector of each query, float32 (n, d). Raises ModelError when the embedder fails, or leaves out one."""
    with as_model_errors("the embedder", name_of(embedder)):
        return _rows(embedder.encode_query(texts), len(texts), name_of(embedder))


def encode_document(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """The vector of each document, float32 (n, d). Raises as `encode_query`."""
    with as_model_errors("the embedder", name_of(embedder)):
        return _rows(embedder.encode_document(texts), len(texts), name_of(embedder))


def encode_frames(embedder: ImageEmbedder, frames: Sequence[Frame]) -> Vectors:
    """The vector of each frame, float32 (n, d). Raises as `encode_query`."""
    with as_model_errors("the image embedder", name_of(embedder)):
        return _rows(embedder.encode_frames(frames), len(frames), name_of(embedder))


def boxes_of(detector: Detector, images: Sequence[Frame], labels: Sequence[str]) -> list[list[Box]]:
    """The detector's boxes of each image. Raises ModelError when it fails, or leaves out one."""
    with as_model_errors("the detector", name_of(detector)):
        return one_each(detector.detect(images, labels), images, f"the detector {name_of(detector)}")


def _rows(vectors: Vectors, n: int, name: str) -> Vectors:
    array = np.ascontiguousarray(vectors, np.float32)
    if array.ndim != 2 or len(array) != n:
        raise ModelError(f"{name} gave an array {array.shape} for {n} items; use another embedder")
    if not np.isfinite(array).all():
        raise ModelError(f"{name} gave values that are not finite; use another embedder, or another device")
    return array


def name_of(model: Any) -> str:
    """What a model calls itself: its spec, its name, else its class."""
    for attribute in ("spec", "name", "model_name", "model"):
        value = getattr(model, attribute, None)
        if isinstance(value, str) and value:
            return value
    return type(model).__name__


def one_each(given: Sequence[T], items: Sequence[Any], who: str) -> list[T]:
    """What a model gave for some items, as a list. Raises ModelError where it is not one for each."""
    if len(given) != len(items):
        raise ModelError(f"{who} gave {len(given)} replies to {len(items)} requests; use another one")
    return list(given)


def usable_caption(reply: str) -> str | None:
    """The caption in a reply, on one line, without preamble, label, markup and quotation marks.

    One that was cut for its length ends with its last whole sentence. None for a refusal, for what goes round in
    circles, or nothing; empty for `unknown`.
    """
    text = " ".join(_MARKUP.sub(lambda found: found[2] or " ", _unwrapped(clean(without_thoughts(reply)))).split())
    text = _COURTESY.sub("", _PREAMBLE.sub("", text))
    for quotes in _QUOTES:
        opens, closes = quotes[0], quotes[1]
        if len(text) > 1 and (text[0], text[-1]) == (opens, closes) and closes not in text[1:-1]:
            text = text[1:-1].strip()
    if not any(character.isalnum() for character in text) or _REFUSAL.match(text) or goes_round(text):
        return None
    if getattr(reply, "cut", False):
        text = ended(text)
    return "" if text.strip(" .").casefold() == UNKNOWN else text


def usable_summary(reply: str, words: int) -> str:
    """The summary in a reply that was to have so many words, read as a caption is; empty where there is none.

    It may be longer by half; what is beyond that is cut.
    """
    return cut_words(usable_caption(reply) or "", round(_TOLERANCE * words))


def _unwrapped(text: str) -> str:
    """What a reply says that was written as a JSON object with one text in it; itself otherwise."""
    held = _OBJECT.search(text)
    if held is None:
        return text
    try:
        found = json.loads(held[1])
    except ValueError:
        return text
    return next(iter(found.values())) if len(found) == 1 and isinstance(next(iter(found.values())), str) else text


def ended(text: str) -> str:
    """A text that was cut, up to the end of its last whole sentence; all of it where there is none."""
    ends = [found.end() for found in _ENDS.finditer(text)]
    return text[: ends[-1]] if ends else text.rstrip(" ,;:-") + "…"


def goes_round(text: str) -> bool:
    """Whether a text says the same over and over, as models do that lost their way."""
    said = [" ".join(sentence.casefold().split()).strip(".!? ") for sentence in _SENTENCE.findall(text)]
    said = [sentence for sentence in said if sentence]
    if len(said) >= _LOOPS and len(set(said)) * 2 < len(said):
        return True
    words = text.casefold().split()
    for length in range(1, min(_LOOP_WORDS, len(words) // _LOOPS) + 1):
        last = words[-length:]
        if all(words[-length * (k + 1) : len(words) - length * k] == last for k in range(_LOOPS)):
            return True
    return False


def estimate_tokens(text: str) -> int:
    """Tokens of a text whose backend does not count them: one for every four characters, at least one."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)
