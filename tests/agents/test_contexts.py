"""Models that read little at once, and servers that go away: an answer, or a halt that says what was found."""

from __future__ import annotations

from typing import Any

import pytest

from lvqa.agents.baselines.presets import PRESETS
from lvqa.errors import ServerAway, TooLong
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.replies import estimate_tokens

LIFTS = "How does the woman lift out the milk carton?"
OPTIONS = ["with one hand", "with both hands"]
# What servers leave for the reply.
ROOM = 256


def _said(text: str) -> dict[str, Any]:
    numbers = [int(line[1 : line.index("]")]) for line in text.splitlines() if line.startswith("[")]
    sentence = {"text": "She lifts it with both hands.", "evidence": numbers[:1]}
    return {"sentences": [sentence], "choice": "B" if OPTIONS[0] in text else None, "confidence": "high", "missing": []}


@pytest.fixture
def long(note: Any, store: Any, embedder: Any) -> None:
    """Hundreds of long notes, none of which a small context holds with the others."""
    words = "a woman stands in front of the open fridge, takes a carton of milk from its door and looks at it, "
    made = [note("v-kitchen", n / 30, n / 30 + 0.5, f"{n}: {words * 3}") for n in range(300)]
    with store.atomic():
        store.notes.put(made)
        store.vectors.put(embedder.name, [n.id for n in made], embedder.encode_document([n.text for n in made]))


@pytest.mark.parametrize("options", [None, OPTIONS], ids=["open", "options"])
@pytest.mark.parametrize("context", [2048, 4096, 8192])
@pytest.mark.parametrize("agent", list(PRESETS))
@pytest.mark.usefixtures("long")
def test_a_small_context_holds_an_answer(ask: Any, script: Any, agent: str, context: int, options: Any) -> None:
    plain, refused = script(answer=_said), list[int]()

    def reads(messages: list[Any]) -> str:
        tokens = sum(estimate_tokens(str(message.text)) for message in messages)
        if tokens + ROOM > context:
            refused.append(tokens)
            raise TooLong(f"this takes {tokens} tokens of {context}")
        return str(plain.invoke(messages).content)

    chat = FakeChat(reads)
    answer = ask(LIFTS, options, chat=chat, vision=FakeVision("a woman at a fridge", 0.9), agent=agent)
    step = next(step for step in answer.steps if step.node == "answer")
    assert step.data["by"] == "chat"
    assert not answer.abstained
    assert answer.cost.llm_calls == len(chat.calls) - len(refused), "what is refused is not charged"
    if refused and agent in ("lvqa", "llovi"):
        assert any("cannot read more at once" in line for line in step.data["skipped"])


class Full(FakeChat):
    """A model whose context is full before its reply ends, until it is sent less."""

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any) -> Any:
        made = super()._generate(messages, stop, run_manager, **options)
        if sum(estimate_tokens(str(message.text)) for message in messages) > 4096:
            message = made.generations[0].message
            message.content, message.response_metadata = "{", {"finish_reason": "length"}
            message.usage_metadata["output_tokens"] = 3
        return made


@pytest.mark.usefixtures("long")
def test_a_context_that_is_full_before_the_reply_ends_is_too_small(ask: Any, script: Any) -> None:
    plain = script(answer=_said)
    chat = Full(lambda messages: str(plain.invoke(messages).content))
    answer = ask(LIFTS, chat=chat, agent="llovi")
    step = next(step for step in answer.steps if step.node == "answer")
    assert step.data["by"] == "chat"
    assert any("cannot read more at once" in line for line in step.data["skipped"])


def test_what_can_read_nothing_at_all_leaves_the_rules(ask: Any) -> None:
    def refuses(messages: list[Any]) -> str:
        raise TooLong("not a word")

    answer, ruled = ask(LIFTS, chat=FakeChat(refuses)), ask(LIFTS)
    assert (answer.text, answer.evidence) == (ruled.text, ruled.evidence)
    assert answer.cost.llm_calls == 0
    assert "not a word" in next(step.summary for step in answer.steps if step.node == "answer")


@pytest.mark.parametrize("options", [None, OPTIONS], ids=["open", "options"])
@pytest.mark.parametrize("after", range(7))
@pytest.mark.parametrize("agent", list(PRESETS))
def test_a_server_that_goes_leaves_an_answer_or_says_what_was_found(
    ask: Any, script: Any, agent: str, after: int, options: Any
) -> None:
    plain = script(answer=_said)

    def goes(messages: list[Any]) -> str:
        if len(chat.calls) > after:
            raise ServerAway("the server: gone for 600 s")
        return str(plain.invoke(messages).content)

    chat = FakeChat(goes)
    said = ""
    try:
        answer = ask(LIFTS, options, chat=chat, vision=FakeVision("a woman at a fridge", 0.9), agent=agent)
    except ServerAway as away:
        said = str(away)
    # The first call plans, and nothing was looked for before.
    halted = said.startswith("the server: gone for 600 s") and "\n" not in said
    told = "; until then, from the notes: " in said or (agent, after) == ("lvqa", 0)
    assert (halted and told) if said else bool(answer.evidence)
