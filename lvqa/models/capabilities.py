"""What a vision model can be asked, and in which words: told by a file `lvqa.json` beside the model's `config.json`.

Most models can be asked anything and declare nothing. A small model that was trained for a few short questions says so
in its own folder, and nothing of lvqa then asks it anything else:

    my-model/
      config.json  model.safetensors  ...     as transformers saves them
      lvqa.json                               this declaration, every field optional
      prompts/caption.md                      prompts of its own, in the place of lvqa's of the same name

    {
      "name": "my-model",                  how it is called in notes and in the keys of an index; its spec if left out
      "about": "it knows streets alone",   what is told of it, in the words that follow "my-model:"
      "answers": ["caption"],              the prompts it can be asked, by name; all of them if left out
      "reasons": false,                    whether it can be the chat model as well; true if left out
      "frames": 1,                         most frames of one request: of more, those in the middle are shown
      "unknown_words": "refuse",           a prompt with a word that its tokenizer does not know is answered with
                                           "unknown", and a yes/no question with 0; "guess" if left out
      "yes_bar": 0.95,                     the P(yes) from which its yes is more often right than wrong; 0.5 if left out
      "batch": 16,                         requests that are run at once
      "dtype": "float32"                   what it is run in on any device: float32, float16 or bfloat16
    }

The names of prompts, and the holes that each has, are those of lvqa's folder `prompts`. A prompt of a model's own may
leave holes out. Of an image embedder, the name, the batch and the dtype count. A folder is found by the model's spec,
`hf:<folder>`, or in the hub's cache. Knows no backend.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from lvqa.errors import ModelError
from lvqa.models.base import VisionRequest
from lvqa.models.weights import model_folder

__all__ = ["ANYTHING", "FILE", "Capabilities", "capabilities_of", "declared_by"]

FILE, PROMPTS = "lvqa.json", "prompts"
_DTYPES = ("float32", "float16", "bfloat16")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model declares about itself; the default is a model that can be asked anything.

    `prompts` holds the texts of its own prompts by name. `answers` None is every prompt, `frames` None any number.
    """

    name: str = ""
    about: str = ""
    answers: frozenset[str] | None = None
    reasons: bool = True
    frames: int | None = None
    unknown_words: Literal["guess", "refuse"] = "guess"
    yes_bar: float = 0.5
    batch: int | None = None
    dtype: str = ""
    prompts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames must be at least 1, got {self.frames}")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        if not 0 < self.yes_bar < 1:
            raise ValueError(f"yes_bar must lie between 0 and 1, got {self.yes_bar}")
        if self.unknown_words not in ("guess", "refuse"):
            raise ValueError(f'unknown_words must be "guess" or "refuse", got {self.unknown_words!r}')
        if self.dtype and self.dtype not in _DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {self.dtype!r}")

    def can_be_asked(self, prompt: str) -> bool:
        """Whether the model can be asked the prompt of this name."""
        return self.answers is None or prompt in self.answers

    def fitted(self, request: VisionRequest) -> VisionRequest:
        """A request with no more frames than the model takes: those in the middle."""
        n = len(request.frames)
        if self.frames is None or n <= self.frames:
            return request
        first = (n - self.frames + 1) // 2
        return replace(request, frames=tuple(request.frames[first : first + self.frames]))

    def ask(
        self,
        requests: Sequence[VisionRequest],
        understands: Callable[[str], bool],
        call: Callable[[Sequence[VisionRequest]], Sequence[T]],
        otherwise: T,
    ) -> list[T]:
        """What `call` says to each request; `otherwise` to prompts that the model does not understand."""
        strict = self.unknown_words == "refuse"
        known = [n for n, request in enumerate(requests) if not strict or understands(request.prompt)]
        answers = dict(zip(known, call([self.fitted(requests[n]) for n in known]), strict=True)) if known else {}
        return [answers.get(n, otherwise) for n in range(len(requests))]


ANYTHING = Capabilities()


def capabilities_of(model: Any) -> Capabilities:
    """What a loaded model declares about itself: its `capabilities`; that it can be asked anything if it has none."""
    declared = getattr(model, "capabilities", None)
    return declared if isinstance(declared, Capabilities) else ANYTHING


def declared_by(spec: str) -> Capabilities:
    """What the folder behind a spec such as `hf:<id or folder>` declares; loads no model.

    Raises ModelError for a declaration that cannot be read.
    """
    kind, _, model = spec.partition(":")
    folder = model_folder(model) if kind == "hf" and model else None
    return ANYTHING if folder is None else read(folder)


def read(folder: Path) -> Capabilities:
    """The declaration in a model's folder; without `lvqa.json`, that it can be asked anything. Raises ModelError."""
    path = folder / FILE
    if not path.is_file():
        return ANYTHING
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(given, dict):
            raise ValueError("it holds no JSON object")
        texts = {one.stem: one.read_text(encoding="utf-8") for one in sorted((folder / PROMPTS).glob("*.md"))}
        if given.get("answers") is not None:
            given["answers"] = frozenset(map(str, given["answers"]))
        return Capabilities(**given, prompts=MappingProxyType(texts))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} does not declare what a model can be asked: {error}; correct it") from error
