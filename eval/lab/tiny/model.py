"""The architecture of the tiny VLM: LLaVA with a SigLIP tower and a Llama of a few layers, and its own processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lvqa.eval.lab.tiny.lessons import vocabulary
from lvqa.eval.lab.tiny.pictures import SIDE

PATCH = 16
GRID = SIDE // PATCH
IMAGE_TOKENS = GRID * GRID
WIDTH = 192
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<image>", "<user>", "<assistant>")
CHAT_TEMPLATE = (
    "<s>{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<assistant>{% else %}<user>{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{% if message['role'] == 'assistant' %}</s>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


def token_ids() -> dict[str, int]:
    """Every token with its number."""
    return {token: k for k, token in enumerate([*SPECIAL, *vocabulary()])}


def make_tokenizer(template: str | None = None) -> Any:
    """A fast tokenizer of whole words; lower case; a sign's digit is joined to its letter again on decoding."""
    import transformers
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    core = Tokenizer(models.WordPiece(vocab=token_ids(), unk_token="<unk>", max_input_chars_per_word=24))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[,.?]"), "isolated")]
    )
    core.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer: Any = transformers.PreTrainedTokenizerFast
    return tokenizer(
        tokenizer_object=core,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>", "<user>", "<assistant>"],
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
        chat_template=template,
    )


def vision_config() -> Any:
    """The tower, shared by the VLM and the dual encoder."""
    from transformers import SiglipVisionConfig

    return SiglipVisionConfig(
        image_size=SIDE,
        patch_size=PATCH,
        hidden_size=WIDTH,
        intermediate_size=576,
        num_hidden_layers=5,
        num_attention_heads=6,
        vision_use_head=False,
    )


def make_model(seed: int = 0) -> Any:
    """A LlavaForConditionalGeneration with fresh weights, 3.7 M parameters."""
    import torch
    import transformers
    from transformers import LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    ids = token_ids()
    torch.manual_seed(seed)
    text = LlamaConfig(
        vocab_size=len(ids),
        hidden_size=WIDTH,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=ids["<pad>"],
        bos_token_id=ids["<s>"],
        eos_token_id=ids["</s>"],
    )
    config = LlavaConfig(
        vision_config=vision_config(),
        text_config=text,
        image_token_index=ids["<image>"],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=IMAGE_TOKENS,
        projector_hidden_act="gelu",
        tie_word_embeddings=True,
    )
    model = LlavaForConditionalGeneration(config)
    generation: Any = transformers.GenerationConfig
    model.generation_config = generation(
        pad_token_id=ids["<pad>"], bos_token_id=ids["<s>"], eos_token_id=ids["</s>"], do_sample=False, max_new_tokens=96
    )
    return model


def image_processor() -> Any:
    """Squeezes a picture to 128 x 128, values to [-1, 1]."""
    from transformers import SiglipImageProcessor

    return SiglipImageProcessor(size={"height": SIDE, "width": SIDE}, resample=3)


def make_processor() -> Any:
    """The processor of the VLM: pictures, tokens and the chat template."""
    import transformers

    processor: Any = transformers.LlavaProcessor
    return processor(
        image_processor=image_processor(),
        tokenizer=make_tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
        chat_template=CHAT_TEMPLATE,
        image_token="<image>",
    )


def save(model: Any, folder: Path) -> None:
    """Model in half precision, and processor, as `from_pretrained` wants them."""
    import copy

    import torch

    copy.deepcopy(model).to(torch.float16).save_pretrained(folder)
    make_processor().save_pretrained(folder)
