"""Greedy, batched generation with a transformers model: limits for each row, token counts, first-token logits.

Knows token ids and nothing of frames or messages.
"""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from lvqa.errors import ModelError, TooLong
from lvqa.models.base import Reply
from lvqa.models.hf.common import device_errors

YES = ("yes", "Yes", "YES", " yes", " Yes", " YES")
NO = ("no", "No", "NO", " no", " No", " NO")


class Generator:
    """One loaded model and its tokenizer, used by one thread at a time."""

    def __init__(self, spec: str, model: Any, tokenizer: Any, device: str) -> None:
        self.spec = spec
        self.model = model
        self.tokenizer = tokenizer
        self.device = device
        self._lock = threading.Lock()
        # Tokenizers of transformers keep padding as state: two threads at once get "Already borrowed".
        self.tokenizing = threading.Lock()
        tokenizer.padding_side = "left"
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        config = copy.deepcopy(model.generation_config)
        # Greedy, whatever the checkpoint says about sampling; its flags for sampling would only bring warnings.
        config.do_sample, config.num_beams, config.max_length = False, 1, None
        config.temperature = config.top_p = config.top_k = config.min_p = config.typical_p = None
        config.return_dict_in_generate, config.output_logits = True, True
        if config.pad_token_id is None:
            config.pad_token_id = tokenizer.pad_token_id
        self._config = config
        self._takes = set(inspect.signature(model.forward).parameters)
        eos = config.eos_token_id
        self._eos: set[int] = set(eos) if isinstance(eos, list) else ({eos} if eos is not None else set())

    def generate(self, inputs: Mapping[str, Any], limits: Sequence[int], stop: Sequence[str] = ()) -> list[Reply]:
        """Continue each row of left-padded inputs by at most its own limit of tokens.

        Raises ModelError, TooLong, OutOfMemory.
        """
        import torch

        inputs = self._known(inputs)
        length = int(inputs["input_ids"].shape[1])
        self._check_length(length + max(limits))
        ends = torch.tensor([length + limit for limit in limits], device=self.device)

        def reached(ids: Any, _scores: Any, **_: Any) -> Any:
            return ends <= ids.shape[1]

        with device_errors(self.spec, self.device):
            out = self._generate(inputs, max(limits), stop, stopping_criteria=[reached])
            sequences = out.sequences
            # Models that are fed embeddings return the new tokens alone.
            if sequences.shape[1] >= length and bool((sequences[:, :length] == inputs["input_ids"]).all()):
                sequences = sequences[:, length:]
            rows = sequences.tolist()
            tokens_in = inputs["attention_mask"].sum(dim=1).tolist()
        return [self._reply(row[:limit], n, stop) for row, limit, n in zip(rows, limits, tokens_in, strict=True)]

    def yes_probability(self, inputs: Mapping[str, Any]) -> list[float]:
        """P(yes) / (P(yes) + P(no)) of each row's first new token. Raises ModelError, OutOfMemory.

        P(yes) is the sum over the first tokens of "yes", "Yes", "YES", with and without a space before; P(no) alike.
        A token that begins both, such as a lone space, counts for neither.
        """
        import torch

        yes, no = self._first_tokens(YES), self._first_tokens(NO)
        yes, no = yes - no, no - yes
        if not yes or not no:
            raise ModelError(f"{self.spec}: its tokenizer cannot tell yes from no by the first token; use generate")
        inputs = self._known(inputs)
        self._check_length(int(inputs["input_ids"].shape[1]) + 1)
        with device_errors(self.spec, self.device):
            out = self._generate(inputs, 1)
            logits = out.logits[0].float()
            log_yes = torch.logsumexp(logits[:, sorted(yes)], dim=1)
            log_no = torch.logsumexp(logits[:, sorted(no)], dim=1)
            return [float(p) for p in torch.sigmoid(log_yes - log_no).tolist()]

    def _known(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        # Many tokenizers return token types, which few language models take.
        return {key: value for key, value in inputs.items() if key != "token_type_ids" or key in self._takes}

    def _generate(self, inputs: Mapping[str, Any], limit: int, stop: Sequence[str] = (), **more: Any) -> Any:
        import torch

        config = copy.copy(self._config)
        config.max_new_tokens = limit
        if stop:
            config.stop_strings = list(stop)
            more["tokenizer"] = self.tokenizer
        with self._lock, torch.inference_mode():
            return self.model.generate(**inputs, generation_config=config, **more)

    def _reply(self, ids: list[int], tokens_in: int, stop: Sequence[str]) -> Reply:
        ended = next((i + 1 for i, token in enumerate(ids) if token in self._eos), 0)
        used = ended or len(ids)
        text = str(self.tokenizer.decode(ids[:used], skip_special_tokens=True))
        stopped = any(string in text for string in stop)
        for string in stop:
            text = text.partition(string)[0]
        return Reply(text.strip(), int(tokens_in), used, cut=not ended and not stopped)

    def _first_tokens(self, words: Sequence[str]) -> set[int]:
        encoded = (self.tokenizer.encode(word, add_special_tokens=False) for word in words)
        unknown = self.tokenizer.unk_token_id
        return {ids[0] for ids in encoded if ids and ids[0] != unknown}

    def _check_length(self, tokens: int) -> None:
        config = self.model.config
        most = getattr(config.get_text_config(), "max_position_embeddings", None)
        if most is not None and tokens > most:
            raise TooLong(
                f"{self.spec} reads and writes at most {most} tokens at once, this takes {tokens}; "
                "give it fewer or smaller frames, or less text"
            )
