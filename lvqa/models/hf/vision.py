"""Vision-language models of transformers: `AutoModelForImageTextToText` with its `AutoProcessor`, batched and greedy.

Frames always go in as images, several a request, never as a video. Knows nothing of clips or questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from queue import Queue
from typing import TYPE_CHECKING, Any, TypeVar

from PIL import Image

from lvqa.errors import ModelError, TooLong, UsageError
from lvqa.models.base import UNKNOWN, InFlight, Reply, VisionRequest
from lvqa.models.capabilities import ANYTHING, FILE, Capabilities, declared_by
from lvqa.models.hf.common import Batches, first_line, load_both
from lvqa.models.hf.generate import Generator
from lvqa.models.hf.template import Message, render

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


T = TypeVar("T")


class HfVision:
    """A VisionModel, and with `as_chat` a chat model in the same memory.

    Requests are run `batch` at a time; where that does not fit the device, by halves, and from then on by no more.
    Processors that cut a picture into tiles of full size (Idefics3, SmolVLM) do so with `tiles` alone: a frame would
    take some 17 times the tokens, and their own video mode does without.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        processor: Any,
        device: str,
        *,
        batch: int = 8,
        tiles: bool = False,
        capabilities: Capabilities = ANYTHING,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self._batches = Batches(batch, name)
        self._processor = processor
        tokenizer = getattr(processor, "tokenizer", None)
        if tokenizer is None or getattr(processor, "image_processor", None) is None:
            raise ModelError(f"{name} has no processor for images; as a vision model, take one that sees")
        self._image_options: dict[str, Any] = {}
        if not tiles and getattr(processor.image_processor, "do_image_splitting", False):
            self._image_options["do_image_splitting"] = False
        self._generator = Generator(name, model, tokenizer, device)

    @property
    def in_flight(self) -> InFlight:
        """Two calls of a whole batch: the next one's pictures are prepared while the device is at work."""
        return InFlight(2, self._batches.size)

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """Answer each request, in order, as a `Reply`. Raises ModelError."""

        def run(part: Sequence[VisionRequest]) -> list[str]:
            return [*self._generator.generate(self._inputs(part), [request.max_tokens for request in part])]

        call = partial(self._batches.run, call=partial(fitting, call=run))
        return self.capabilities.ask(requests, self.understands, call, Reply(UNKNOWN))

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """P(yes) / (P(yes) + P(no)) of each reply's first token, as `Generator.yes_probability` counts it."""

        def run(part: Sequence[VisionRequest]) -> list[float]:
            return self._generator.yes_probability(self._inputs(part))

        # What it does not understand, it does not see.
        call = partial(self._batches.run, call=partial(fitting, call=run))
        return self.capabilities.ask(requests, self.understands, call, 0.0)

    def understands(self, prompt: str) -> bool:
        """Whether its tokenizer knows every word of a prompt."""
        tokenizer = self._generator.tokenizer
        with self._generator.tokenizing:
            ids = tokenizer.encode(prompt, add_special_tokens=False)
        return tokenizer.unk_token_id not in ids

    def talk(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, stop: Sequence[str] = (), think: bool = False
    ) -> Reply:
        """Continue a conversation of `{"role", "content"}` without any frame. Raises ModelError."""
        conversation = [{"role": m["role"], "content": [{"type": "text", "text": m["content"]}]} for m in messages]
        text = render(self._processor, conversation, think=think)
        inputs = self._tokenized(self._generator.tokenizer, [text])
        return self._generator.generate(inputs, [max_tokens], stop)[0]

    def as_chat(self) -> BaseChatModel:
        """This model as a LangChain chat model about text. Raises UsageError where it declares that it is none."""
        if not self.capabilities.reasons:
            raise UsageError(f"{self.name} looks and does not reason, as its {FILE} says; name another chat model")
        from lvqa.models.hf.chat import HfChat

        return HfChat(self.talk, self.name)

    def _inputs(self, requests: Sequence[VisionRequest]) -> Mapping[str, Any]:
        texts, images = [], []
        for request in requests:
            content: list[Message] = [{"type": "image"} for _ in request.frames]
            content.append({"type": "text", "text": request.prompt})
            texts.append(render(self._processor, [{"role": "user", "content": content}]))
            images.append([Image.fromarray(frame) for frame in request.frames])
        return self._tokenized(self._processor, texts, images=images, **self._image_options)

    def _tokenized(self, processor: Any, texts: list[str], **more: Any) -> Mapping[str, Any]:
        # A chat template writes the first special token itself; a second one would shift everything.
        bos = self._generator.tokenizer.bos_token
        options = {"add_special_tokens": not (bos and texts[0].startswith(bos))}
        model = self._generator.model
        try:
            with self._generator.tokenizing:
                inputs = processor(text=texts, padding=True, return_tensors="pt", **options, **more)
            moved: Mapping[str, Any] = inputs.to(model.device)
        except (ValueError, RuntimeError, TypeError, KeyError, IndexError) as error:
            raise ModelError(f"the processor of {self.name} failed: {first_line(error)}") from error
        return {
            key: value.to(model.dtype) if getattr(value, "is_floating_point", bool)() else value
            for key, value in moved.items()
        }


def fitting(requests: Sequence[VisionRequest], call: Callable[[Sequence[VisionRequest]], list[T]]) -> list[T]:
    """What `call` gives for requests that a model can read: one by one, and with fewer frames, where they are too long.

    Raises TooLong where one frame is too much.
    """
    try:
        return call(requests)
    except TooLong:
        if len(requests) == 1 and len(requests[0].frames) < 2:
            raise
    if len(requests) > 1:
        return [reply for request in requests for reply in fitting([request], call)]
    return fitting([requests[0].thinned()], call)


class OnDevices:
    """One vision model on several devices: a call goes to one of them, a free one where there is one.

    Calls come from several threads; what is asked without frames goes to the first.
    """

    def __init__(self, workers: Sequence[HfVision]) -> None:
        self.name = workers[0].name
        self.capabilities = workers[0].capabilities
        self._workers = workers
        self._free: Queue[HfVision] = Queue()
        calls, requests = workers[0].in_flight.calls, workers[0].in_flight.requests
        self.in_flight = InFlight(calls * len(workers), requests)
        for _ in range(calls):
            for worker in workers:
                self._free.put(worker)

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """Answer each request, in order, as a `Reply`. Raises ModelError."""
        with self._worker() as worker:
            return worker.generate(requests)

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """P(yes) of each reply's first token, as `HfVision.yes_probability`."""
        with self._worker() as worker:
            return worker.yes_probability(requests)

    def understands(self, prompt: str) -> bool:
        """Whether its tokenizer knows every word of a prompt."""
        return self._workers[0].understands(prompt)

    def as_chat(self) -> BaseChatModel:
        """The model on the first device as a chat model. Raises UsageError as `HfVision.as_chat`."""
        return self._workers[0].as_chat()

    @contextmanager
    def _worker(self) -> Iterator[HfVision]:
        worker = self._free.get()
        try:
            yield worker
        finally:
            self._free.put(worker)


def load(
    spec: str, *, device: str = "auto", trust_remote_code: bool = False, device_map: str = ""
) -> HfVision | OnDevices:
    """Load `hf:<id or folder>`: bfloat16 on CUDA, float32 elsewhere; safetensors only.

    Devices with commas between them get a model each; with a `device_map`, one model is laid over several devices.
    Raises UsageError, ModelNotFound, ModelError.
    """
    own = declared_by(spec)
    workers = []
    for one in device.split(","):
        model, processor, where = load_both(
            spec,
            "AutoModelForImageTextToText",
            "AutoProcessor",
            one.strip(),
            dtype=own.dtype,
            trust_remote_code=trust_remote_code,
            device_map=device_map,
        )
        workers.append(HfVision(own.name or spec, model, processor, where, batch=own.batch or 8, capabilities=own))
    return workers[0] if len(workers) == 1 else OnDevices(workers)
