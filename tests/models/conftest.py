"""Real model classes, tiny and random, saved with their own processors and tokenizers, once a session.

Everything beyond pytest and lvqa's core is imported inside the fixtures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from real import real_models

SENTENCES = [
    "yes no Yes No YES NO what is in the picture a man opens the fridge and takes out a carton of milk",
    "a woman pours milk into a glass . the dog runs over the grass , then it sleeps on the red sofa",
    "user assistant system question answer summary describe these frames in one sentence please 0 1 2 3 4 5 6 7 8 9",
]
CHAT_TEXT = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
CHAT_PARTS = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> None:
    import torch

    torch.set_num_threads(1)


def make_tokenizer(extra: tuple[str, ...] = (), chat_template: str | None = None, **named: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<pad>", "<s>", "</s>", *extra]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=list(extra),
        **named,
    )
    fast.chat_template = chat_template
    return fast


def text_sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # Wide enough that replies differ from one prompt to the next.
        "initializer_range": 0.5,
    }


def build_llava(folder: Path) -> Path:
    """LLaVA with CLIP's plain image processor: it loads without torchvision."""
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(0)
    tokenizer = make_tokenizer(("<image>",))
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        initializer_range=0.5,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(**text_sizes(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_PARTS.replace("IMAGE", "<image>"),
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_causal(folder: Path) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    tokenizer = make_tokenizer(chat_template=CHAT_TEXT)
    LlamaForCausalLM(LlamaConfig(**text_sizes(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_bert(folder: Path) -> Path:
    """A sentence-transformers folder of a random BERT, with prompts for queries and documents."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel

    torch.manual_seed(2)
    tokenizer = make_tokenizer()
    sizes = {k: v for k, v in text_sizes(tokenizer).items() if not k.startswith(("num_key", "max_", "bos", "eos"))}
    BertModel(BertConfig(max_position_embeddings=64, **sizes)).save_pretrained(folder / "bert")
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder / "bert")
    body = Transformer(str(folder / "bert"))
    model = SentenceTransformer(
        modules=[body, Pooling(body.get_embedding_dimension())], prompts={"query": "question: ", "document": "answer: "}
    )
    model.save(str(folder / "st"))
    return folder / "st"


def build_clip(folder: Path) -> Path:
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    torch.manual_seed(3)
    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 32
    text = {k: v for k, v in text_sizes(tokenizer).items() if not k.startswith(("num_key", "max_", "init"))}
    config = CLIPConfig(
        text_config={**text, "max_position_embeddings": 32, "projection_dim": 16},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
            "projection_dim": 16,
        },
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer=tokenizer,
    ).save_pretrained(folder)
    return folder


def build_owlv2(folder: Path) -> Path:
    import torch
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessor, Owlv2Processor

    torch.manual_seed(4)
    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 16
    text = {k: v for k, v in text_sizes(tokenizer).items() if not k.startswith(("num_key", "max_", "init"))}
    config = Owlv2Config(
        text_config={**text, "max_position_embeddings": 16},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 16,
        },
        projection_dim=32,  # OWLv2's class head takes the text tower's width
    )
    model = Owlv2ForObjectDetection(config)
    # A random box head throws every box out of the picture; without its last weights, boxes are the cells of the grid.
    torch.nn.init.zeros_(model.box_head.dense2.weight)
    model.save_pretrained(folder)
    Owlv2Processor(
        image_processor=Owlv2ImageProcessor(size={"height": 64, "width": 64}), tokenizer=tokenizer
    ).save_pretrained(folder)
    return folder


def _vision_sizes(image: int, patch: int) -> dict[str, Any]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": image,
        "patch_size": patch,
    }


def build_onevision(folder: Path) -> Path:
    """LLaVA-OneVision: SigLIP with a grid of tiles, and a video processor."""
    import torch
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessor,
        LlavaOnevisionProcessor,
        LlavaOnevisionVideoProcessor,
        Qwen2Config,
        SiglipVisionConfig,
    )

    torch.manual_seed(5)
    tokenizer = make_tokenizer(("<image>", "<video>"))
    pinpoints = [[28, 28], [28, 56], [56, 28], [56, 56]]
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(**_vision_sizes(28, 14), vision_use_head=False),
        text_config=Qwen2Config(**text_sizes(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=pinpoints,
        vision_feature_layer=-1,
    )
    size = {"height": 28, "width": 28}
    processor = LlavaOnevisionProcessor(
        image_processor=LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=pinpoints),
        tokenizer=tokenizer,
        video_processor=LlavaOnevisionVideoProcessor(size=size),
        num_image_tokens=4,
        vision_feature_select_strategy="full",
        chat_template=CHAT_PARTS.replace("IMAGE", "<image>"),
    )
    LlavaOnevisionForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_smolvlm(folder: Path) -> Path:
    import torch
    from transformers import (
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )

    torch.manual_seed(6)
    tiles = tuple(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5))
    special = ("<image>", "<video>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *tiles)
    tokenizer = make_tokenizer(special)
    config = SmolVLMConfig(
        vision_config=_vision_sizes(32, 8),
        text_config={"model_type": "llama", **text_sizes(tokenizer)},
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    edges = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
    processor = SmolVLMProcessor(
        image_processor=SmolVLMImageProcessor(**edges),
        tokenizer=tokenizer,
        video_processor=SmolVLMVideoProcessor(**edges, fps=1, num_frames=4),
        image_seq_len=4,
        chat_template=CHAT_PARTS.replace("IMAGE", "<image>"),
    )
    SmolVLMForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_qwen(folder: Path) -> Path:
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(7)
    special = ("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>")
    tokenizer = make_tokenizer(special)
    ids = dict(zip(special, tokenizer.convert_tokens_to_ids(list(special)), strict=True))
    text = text_sizes(tokenizer)
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
    config = Qwen2_5_VLConfig(
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "patch_size": 14,
            "out_hidden_size": 32,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        text_config=text,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    pixels = {"size": {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**pixels),
        chat_template=CHAT_PARTS.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "llava": build_llava,
    "causal": build_causal,
    "bert": build_bert,
    "clip": build_clip,
    "owlv2": build_owlv2,
    "onevision": build_onevision,
    "smolvlm": build_smolvlm,
    "qwen": build_qwen,
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`tiny("llava")` -> the folder of a tiny random model, built on first use."""
    built: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in built:
            built[kind] = BUILDERS[kind](tmp_path_factory.mktemp(kind))
        return built[kind]

    return folder


@pytest.fixture(scope="session")
def loaded(tiny: Callable[[str], Path]) -> Callable[..., Any]:
    """`loaded(load_vision, "hf:{}", "llava")` -> the model, loaded once a session however often it is asked for."""
    models: dict[tuple[str, str], Any] = {}

    def load(loader: Callable[..., Any], spec: str, kind: str = "") -> Any:
        key = (loader.__name__, spec + kind)
        if key not in models:
            with real_models(allowed=True):
                models[key] = loader(spec.format(tiny(kind)) if kind else spec, device="cpu")
        return models[key]

    return load


class Server:
    """A small OpenAI-compatible server on 127.0.0.1. The model's name decides how it behaves; requests are kept.

    `good` answers with what it was sent and gives log-probabilities, `plain` knows no such option (400), `mute` ignores
    it, `thinker` thinks aloud whatever it is told, `strict` refuses what is no option of OpenAI (400), `schemaless`
    refuses a schema (400), `unreadable` fails at one (500), `systemless` refuses the system role (400), `short` reads
    30 words and pictures at most (400), `cut` ends replies at their length, `vague` says neither yes nor no, `broken`
    fails with 500, `locked` refuses the key, anything else is not there.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.url = ""
        self.states: list[tuple[int, dict[str, str]]] = []
        """What it is to say first: status and headers, one a request."""

    REFUSALS: ClassVar[dict[str, tuple[str, int, str]]] = {
        "schemaless": ("response_format", 400, "response_format json_schema is not supported"),
        "unreadable": ("response_format", 500, "1 validation error: response_format.type must be text or json_object"),
        "systemless": ("system", 400, "System role not supported"),
    }

    def reply(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.requests.append(body)
        model = body["model"]
        if model == "broken":
            return 500, {"error": {"message": "the GPU is on fire"}}
        if model == "locked":
            return 401, {"error": {"message": "Incorrect API key provided: sk-secret-123456789"}}
        if model not in {"good", "plain", "mute", "vague", "thinker", "strict", *self.REFUSALS, "short", "cut"}:
            return 404, {"error": {"message": f"model {model} does not exist"}}
        if model in self.REFUSALS:
            option, status, message = self.REFUSALS[model]
            if option in body or option in {said["role"] for said in body["messages"]}:
                return status, {"error": {"message": message}}
        if model == "plain" and "logprobs" in body:
            return 400, {"error": {"message": "unknown option logprobs"}}
        if model == "strict" and "chat_template_kwargs" in body:
            return 400, {"error": {"message": "extra fields not permitted: chat_template_kwargs"}}
        content = body["messages"][-1]["content"]
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        prompt = " ".join(part["text"] for part in parts if part["type"] == "text")
        sizes = [self._size(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
        length = len(prompt.split()) + 10 * len(sizes)
        if model == "short" and length > 30:
            told = f"This model's maximum context length is 30 tokens. However, you requested {length} tokens."
            return 400, {"error": {"message": told, "code": "context_length_exceeded"}}
        if "yes or no" in prompt:
            text = "It depends." if model == "vague" else ("No." if "dog" in prompt else "Yes, it does.")
        else:
            text = f"{sizes} {prompt}"
        if model == "thinker":
            text = f"<think>Is it a cat? No, or yes, I look again and again and again.</think> {text}"
        words = text.split()[: body.get("max_tokens") or 1000]
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "length" if model == "cut" else "stop",
            "message": {"role": "assistant", "content": " ".join(words)},
        }
        if body.get("logprobs") and model == "thinker":
            top = [("<think>", -0.001), ("yes", -9.0), ("no", -12.0)]
            named = [{"token": token, "logprob": value, "bytes": None} for token, value in top]
            choice["logprobs"] = {"content": [{**named[0], "top_logprobs": named}]}
        if body.get("logprobs") and model == "good":
            likely = -2.0 if "dog" in prompt else -0.5
            top = [("Yes", likely), (" no", -1.5), ("yes", -3.0), ("It", -0.1)]
            named = [{"token": token, "logprob": value, "bytes": None} for token, value in top]
            choice["logprobs"] = {"content": [{**named[0], "top_logprobs": named}]}
        usage = {"prompt_tokens": len(prompt.split()) + 10 * len(sizes), "completion_tokens": len(words)}
        usage["total_tokens"] = sum(usage.values())
        return 200, {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [choice],
            "usage": usage,
        }

    @staticmethod
    def _size(url: str) -> tuple[int, int]:
        import base64
        import io

        from PIL import Image

        head, _, data = url.partition(",")
        assert head == "data:image/jpeg;base64"
        return Image.open(io.BytesIO(base64.b64decode(data))).size


@pytest.fixture(scope="session")
def _running_server() -> Iterator[Server]:
    import asyncio
    import socket
    import threading

    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    state = Server()
    app = FastAPI()

    async def chat(request: Request) -> JSONResponse:
        state.keys.append(request.headers.get("authorization", ""))
        asked = await request.json()
        if state.states:
            status, headers = state.states.pop(0)
            return JSONResponse({"error": {"message": "wait"}}, status, headers)
        status, body = await asyncio.to_thread(state.reply, asked)
        return JSONResponse(body, status)

    chat.__annotations__["request"] = Request  # annotations are strings here, and the name is local
    app.post("/v1/chat/completions", response_model=None)(chat)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # from here on requests wait in line, also before the server is up
    state.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield state
    server.should_exit = True
    thread.join()


@pytest.fixture
def server(_running_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    _running_server.requests.clear()
    _running_server.keys.clear()
    _running_server.states.clear()
    return _running_server


@pytest.fixture
def frames() -> list[np.ndarray]:
    """Frames of different sizes and colours, with structure in them."""
    rng = np.random.default_rng(0)
    sizes = [(48, 64), (90, 50), (33, 33), (64, 96), (40, 120)]
    return [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in sizes]


@pytest.fixture
def clear_caches() -> Iterator[None]:
    """Forget what the hub said and whether CUDA is there, before and after."""
    from lvqa.models import weights

    for cached in (weights._ask_hub, weights.cuda_present):
        cached.cache_clear()
    yield
    for cached in (weights._ask_hub, weights.cuda_present):
        cached.cache_clear()
