"""Any LangChain chat model as a VisionModel, and a guard that turns what providers raise into ModelError.

Knows LangChain's interface; knows no provider.
"""

from __future__ import annotations

import base64
import io
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable
from PIL import Image
from pydantic import PrivateAttr

from lvqa.errors import LvqaError, ModelError, ModelNotFound, ReplyError, ServerAway, TooLong
from lvqa.models.base import Frame, InFlight, Reply, VisionRequest, is_cut
from lvqa.models.hf.common import first_line
from lvqa.models.served.slots import Fate, Slots, side_by_side
from lvqa.models.thoughts import is_thinking, without_thoughts
from lvqa.secrets import remember_of

T = TypeVar("T")

_FIRST_WORD = re.compile(r"[^\W_]+")
# "Answer: yes", "The answer is yes", {"answer": "yes"}.
_LABEL = re.compile(r"^\W*(?:json\W+)?(?:the\s+)?(?:final\s+)?(?:answer|reply|response|verdict)\W*(?:\s+is\b)?")
PATIENCE_S, RETRIES = 600.0, 2
# Of a chat model whose slots nobody gave.
IN_FLIGHT = 16
# What a busy server is told of no sooner again.
_TELL_EVERY_S = 30.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_BUSY = frozenset({429, 502, 503, 504})
_FAILED = frozenset({408, 409, 500})
_LATE = frozenset({"APITimeoutError", "ReadTimeout", "TimeoutError", "ConnectTimeout"})
_GONE = frozenset(
    {
        "APIConnectionError",
        "ConnectError",
        "ConnectionError",
        "ConnectionRefusedError",
        "ConnectionResetError",
        "ReadError",
        "RemoteProtocolError",
    }
)
_clock = time.monotonic
_log = logging.getLogger("lvqa.models")


def _sleep(seconds: float, least_s: float, back: threading.Event) -> None:
    """Sleep, from `least_s` on no longer than until the server is back."""
    time.sleep(least_s)
    back.wait(max(0.0, seconds - least_s))


# What servers say to an option that they do not know.
_REFUSED = frozenset({400, 422})
_UNREADABLE = re.compile(r"validation error|response_format|json_schema|(?:un|not )support|template", re.IGNORECASE)
_TOO_LONG_STATUS = frozenset({400, 413, 422, 500})
# How vLLM, OpenAI, llama.cpp, its Python server, SGLang, TGI, LM Studio and Anthropic say so.
_TOO_LONG = re.compile(
    r"context[ _-]?(?:length|size|window)|maximum (?:context|input|number of tokens|model)|max_model_len"
    r"|too (?:long|many (?:input )?tokens)|exceeds? (?:the )?(?:available|maximum|limit|context)"
    r"|longer than the maximum|input(?:s| tokens)? .{0,40}(?:must|exceed)|reduce the length|trying to keep the first",
    re.IGNORECASE,
)
# For a word, and for one behind a thought.
_WORD_TOKENS, _THOUGHT_TOKENS = 8, 2048
# A first token that is yes or no with less than this is another word, or opens a thought.
_LEAST_MASS = 0.01


class GuardedChat(BaseChatModel):
    """A chat model that fails with one ModelError line, in which no key stands."""

    spec: str = ""
    _inner: BaseChatModel = PrivateAttr()
    _extra: dict[str, Any] = PrivateAttr()
    # What a server may refuse, the likeliest first; None until it is known whether this one does.
    _options: dict[str, bool | None] = PrivateAttr()
    _patience_s: float = PrivateAttr()
    _retries: int = PrivateAttr()
    _answered: bool = PrivateAttr(False)
    _told_s: float = PrivateAttr(-math.inf)
    # Since when no call was answered.
    _away_s: float = PrivateAttr(math.inf)
    # Set when the next call is answered.
    _back: threading.Event = PrivateAttr(default_factory=threading.Event)
    _slots: Slots = PrivateAttr()

    def __init__(
        self,
        inner: BaseChatModel,
        spec: str,
        extra: Mapping[str, Any] | None = None,
        patience_s: float = PATIENCE_S,
        retries: int = RETRIES,
        slots: Slots | None = None,
        *,
        schemas: bool = False,
    ) -> None:
        """`extra` goes with every call, until the server refuses it; so do `schemas`, to which a reply is held.

        A busy server is waited for so long, and one that fails is asked so often again; it gets as many calls at once
        as there are `slots`.
        """
        super().__init__()
        self._slots = slots or Slots(IN_FLIGHT)
        self._patience_s, self._retries = patience_s, retries
        self.spec = spec
        self._inner = inner
        self._extra = dict(extra or {})
        self._options = {**({"schema": None} if schemas else {}), "extra": None, "system": None}
        remember_of(inner)

    @property
    def _llm_type(self) -> str:
        return self._inner._llm_type

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"spec": self.spec}

    @property
    def in_flight(self) -> int:
        """The most calls that are made at once as things stand."""
        return self._slots.limit

    @property
    def takes_schema(self) -> bool:
        """Whether a reply can be held to a JSON Schema, as far as the server has not said no."""
        return "schema" in self._options and self._options["schema"] is not False

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        schema: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        refused: ModelError | None = None
        for without in self._fewer(messages, schema):
            extra = _joined(self._extra if "extra" not in without else {}, schema if "schema" not in without else None)
            sent = messages if "system" not in without else merged(messages)
            options = {**extra, **kwargs}
            try:
                result = self._patiently(
                    partial(self._inner._generate, sent, stop=stop, run_manager=run_manager, **options)
                )
            except ModelError as error:
                # What is too long is refused whatever goes with it.
                if isinstance(error, TooLong) or not _is_refusal(error.__cause__):
                    raise
                refused = refused or error
                continue
            for option in self._options:
                if option in without:
                    self._options[option] = False
                elif self._sends(option, messages, schema):
                    self._options[option] = True
            return result
        assert refused is not None, "it is asked at least once"
        raise refused

    def _sends(self, option: str, messages: Sequence[BaseMessage], schema: Mapping[str, Any] | None) -> bool:
        """Whether a call would bring an option that a server may refuse."""
        if option == "schema":
            return schema is not None
        return bool(self._extra) if option == "extra" else isinstance(messages[0], SystemMessage)

    def _fewer(self, messages: Sequence[BaseMessage], schema: Mapping[str, Any] | None) -> Iterator[set[str]]:
        """Without which options to ask, one after the other: those refused before, then each that may be the fault."""
        without = {option for option, taken in self._options.items() if taken is False}
        yield set(without)
        doubtful = [
            name for name, taken in self._options.items() if taken is None and self._sends(name, messages, schema)
        ]
        for option in doubtful:
            yield {*without, option}
        if len(doubtful) > 1:
            yield {*without, *doubtful}

    def _patiently(self, call: Callable[[], ChatResult]) -> ChatResult:
        """What a call gives; while the server is busy or being started again, the same call again, later and later."""
        asked_s, failed_s = _clock(), math.inf
        pause_s, retries = _FIRST_PAUSE_S, self._retries
        while True:
            fate: Fate = "failed"
            taken_s = self._slots.take()
            try:
                result = call()
                fate, self._answered = "answered", True
                if self._away_s < math.inf:
                    self._away_s, back, self._back = math.inf, self._back, threading.Event()
                    back.set()
                return result
            except LvqaError:
                raise
            except Exception as raised:
                error = raised
                fate = _fate_of(error)
            finally:
                crowded = self._slots.give(taken_s, fate)
            state = _state_of(error, answered=self._answered)
            # A reply may be late because too much was asked for at once.
            again = getattr(error, "status_code", None) in _FAILED and not _is_refusal(error)
            again = again or (fate == "late" and crowded)
            if not state and retries and again:
                state, retries = "late" if fate == "late" else "failed", retries - 1
            if not state:
                raise explain_remote(self.spec, error) from error
            # Those that waited for a slot while others waited for the server give up with them.
            self._away_s = min(self._away_s, _clock())
            failed_s = min(failed_s, max(asked_s, self._away_s))
            left_s = self._patience_s - (_clock() - failed_s)
            if left_s <= 0:
                raise ServerAway(
                    f"{self.spec}: {state} for {self._patience_s:g} s; what is done stays done: run the same "
                    "command again when the server answers (patience_s says how long it is waited for)"
                ) from error
            self._tell(state, left_s)
            least_s = min(left_s, max(_FIRST_PAUSE_S, _asked_to_wait(error)))
            _sleep(min(left_s, max(pause_s, least_s)), least_s, self._back)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _tell(self, state: str, left_s: float) -> None:
        """Say what the server is waited for, once for all calls."""
        if _clock() - self._told_s >= _TELL_EVERY_S:
            self._told_s = _clock()
            _log.warning("%s: %s; waiting up to %g s", self.spec, state, left_s)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools in the form that the provider takes."""
        bound: Any = self._inner.bind_tools(tools, **kwargs)
        return self.bind(**bound.kwargs)


def _joined(extra: Mapping[str, Any], schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """What goes with a call, the schema beside it in the form of OpenAI."""
    if schema is None:
        return dict(extra)
    held = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    # In the body itself: the client would refuse a reply that is cut, which is mended here.
    return {**extra, "extra_body": {**extra.get("extra_body", {}), "response_format": held}}


def merged(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Messages without a system role, which some models' templates refuse: it opens the first of the others."""
    system = "\n\n".join(str(m.text) for m in messages if isinstance(m, SystemMessage))
    first, *rest = [m for m in messages if not isinstance(m, SystemMessage)]
    content: list[str | dict[Any, Any]] | str = first.content
    content = f"{system}\n\n{content}" if isinstance(content, str) else [{"type": "text", "text": system}, *content]
    return [first.model_copy(update={"content": content}), *rest]


def _state_of(error: BaseException, *, answered: bool) -> str:
    """What is up with the server, as words, where that passes; empty for what is wrong with the call itself."""
    status = getattr(error, "status_code", None)
    if status in _BUSY and "insufficient_quota" not in str(error):
        return f"busy ({status})"
    # A server that never answered may not be there at all: that is said at once.
    names = {type(e).__name__ for e in _causes(error)}
    if answered and names & _GONE and not names & _LATE:
        return "gone"
    return ""


def _is_refusal(error: BaseException | None) -> bool:
    """Whether a server does not take the call as it is: 400 and 422, and 500 of one that could not read it."""
    status = getattr(error, "status_code", None)
    return status in _REFUSED or (status == 500 and _UNREADABLE.search(str(error)) is not None)


def _fate_of(error: BaseException) -> Fate:
    if {type(e).__name__ for e in _causes(error)} & _LATE:
        return "late"
    return "refused" if getattr(error, "status_code", None) in _BUSY else "failed"


def _asked_to_wait(error: BaseException) -> float:
    """The seconds that a server asks to be left alone, as `Retry-After`; 0 where it does not say."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after-ms", "")) / 1000)
    except ValueError:
        pass
    said = headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def explain_remote(spec: str, error: BaseException) -> ModelError:
    """One line on what went wrong at a server and what to do, as ModelNotFound where nothing serves the model."""
    text = first_line(error)
    status = getattr(error, "status_code", None)
    names = {type(e).__name__ for e in _causes(error)}
    if names & _LATE:
        return ModelError(f"{spec}: no reply in time; try again, or ask for less at once")
    if names & _GONE:
        return ModelNotFound(f"{spec}: nothing answers at that address; start the server, or correct the address")
    if status in _TOO_LONG_STATUS and _TOO_LONG.search(str(error)):
        return TooLong(f"{spec} cannot read so much at once ({status}: {text}); give it less, or a larger context")
    if status in {401, 403}:
        return ModelError(f"{spec}: the key was refused ({status}); set the provider's key, such as OPENAI_API_KEY")
    if status == 404:
        return ModelNotFound(f"{spec}: the server has no such model or path (404: {text}); correct the name or address")
    if status == 429:
        return ModelError(f"{spec}: too many requests, or the quota is spent (429); wait, or use another model")
    return ModelError(f"{spec} failed{f' ({status})' if status else ''}: {text}")


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def data_url(frame: Frame, quality: int = 90) -> str:
    """A frame as a JPEG data URL."""
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRequest(VisionRequest):
    """A request whose frames were made into JPEG data URLs and let go of."""

    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """It was checked when it had frames."""

    def thinned(self) -> EncodedRequest:
        """The same request with every second of its frames."""
        return replace(self, urls=self.urls[::2])


class LangChainVision:
    """A VisionModel made of a chat model that takes images. Requests go out as many at a time as the chat has slots.

    `yes_probability` reads the first token's log-probabilities where `logprobs` says that the chat model takes that
    option, the server gives them, and the token may be yes or no: one that opens a thought says nothing. Else it takes
    the reply's word behind all thoughts, 1.0 for yes and 0.0 for no; one that is neither is asked for once more and
    then a ReplyError.
    """

    def __init__(self, chat: BaseChatModel, name: str, *, logprobs: bool = False) -> None:
        self.name = name
        self._chat = chat if isinstance(chat, GuardedChat) else GuardedChat(chat, name)
        self._logprobs = logprobs

    @property
    def in_flight(self) -> InFlight:
        """One request a call, and some calls more than go out at once, as things stand: they make JPEGs meanwhile."""
        return InFlight(self._chat.in_flight + max(2, self._chat.in_flight // 8), 1)

    def encoded(self, request: VisionRequest) -> EncodedRequest:
        """The request with its frames as JPEG, a tenth of the memory, ready to be sent."""
        urls = tuple(data_url(frame) for frame in request.frames)
        return EncodedRequest((), request.prompt, request.max_tokens, urls)

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """Answer each request, in order, as a `Reply`. Raises ModelError."""
        return self._each(requests, self._reply)

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """The probability of yes for each request, in order. Raises ModelError, ReplyError."""
        return self._each(requests, self._yes)

    def as_chat(self) -> BaseChatModel:
        """The chat model itself."""
        return self._chat

    def _each(self, requests: Sequence[VisionRequest], call: Callable[[VisionRequest], T]) -> list[T]:
        at_once = min(self.in_flight.calls, len(requests))
        return list(side_by_side([partial(call, request) for request in requests], at_once))

    def _reply(self, request: VisionRequest) -> str:
        message = self._ask(request, request.prompt, max_tokens=request.max_tokens)
        usage = message.usage_metadata
        taken = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
        return Reply(str(message.text).strip(), *taken, cut=is_cut(message.response_metadata))

    def _yes(self, request: VisionRequest) -> float:
        if self._logprobs:
            try:
                message = self._ask(request, request.prompt, max_tokens=1, logprobs=True, top_logprobs=20)
            except (ModelNotFound, TooLong):
                raise
            except ModelError as error:
                # A server that knows no such option says 400 or 422; that is no failure of the question.
                if getattr(error.__cause__, "status_code", None) not in _REFUSED:
                    raise
                self._logprobs = False
            else:
                found = yes_of_logprobs(message.response_metadata)
                if found is not None:
                    return found
        reply = ""
        for prompt in (request.prompt, request.prompt + "\nReply with one word: yes or no."):
            reply = str(self._ask(request, prompt, max_tokens=_WORD_TOKENS).text)
            if is_thinking(reply) and not without_thoughts(reply):
                reply = str(self._ask(request, prompt, max_tokens=_THOUGHT_TOKENS).text)
            word = yes_of_text(without_thoughts(reply))
            if word is not None:
                return word
        raise ReplyError(f"{self.name} was asked for yes or no twice and said {reply[:60]!r}; use another vision model")

    def _ask(self, request: VisionRequest, prompt: str, **options: Any) -> AIMessage:
        """The reply; where the server cannot read so many frames, with every second of them, and so on."""
        sent = request if isinstance(request, EncodedRequest) else self.encoded(request)
        while True:
            try:
                return self._send(sent, prompt, **options)
            except TooLong:
                if len(sent.urls) < 2:
                    raise
            sent = sent.thinned()
            _log.warning("%s: too many frames at once; goes on with %d of them", self.name, len(sent.urls))

    def _send(self, sent: EncodedRequest, prompt: str, **options: Any) -> AIMessage:
        parts: list[str | dict[Any, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in sent.urls]
        parts.append({"type": "text", "text": prompt})
        return self._chat.invoke([HumanMessage(content=parts)], **options)


def yes_of_text(text: str) -> float | None:
    """1.0 where the first word behind a label such as `Answer:` is yes, 0.0 where it is no, else None."""
    said = _LABEL.sub("", text.lower())
    match = _FIRST_WORD.search(said)
    return {"yes": 1.0, "no": 0.0}.get(match.group()) if match else None


def yes_of_logprobs(metadata: Mapping[str, Any]) -> float | None:
    """P(yes) / (P(yes) + P(no)) of the first token, or None where it is hardly ever one of them."""
    content = (metadata.get("logprobs") or {}).get("content") or []
    first = content[0] if content else {}
    mass = {"yes": 0.0, "no": 0.0}
    for token in first.get("top_logprobs") or []:
        word = str(token["token"]).strip().lower()
        if word in mass:
            mass[word] += math.exp(float(token["logprob"]))
    total = mass["yes"] + mass["no"]
    return mass["yes"] / total if total >= _LEAST_MASS else None
