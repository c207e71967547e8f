"""Replies: parsed, repaired once, or an error; never a guess. And the ledger that pays for them."""

from __future__ import annotations

import threading

import pytest
from pydantic import BaseModel

from lvqa.agents.structured import ask_for, parse, say
from lvqa.errors import ModelError, ReplyError, UsageError
from lvqa.models.fake import FakeChat
from lvqa.settings import Settings
from lvqa.tools.ledger import BudgetSpent, Ledger, estimate_tokens
from lvqa.types import Budget


class Reply(BaseModel):
    name: str
    n: int = 0


@pytest.fixture
def ledger():
    return Ledger(Budget())


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "n": 1}',
        'Sure!\n```json\n{"name": "a", "n": 1}\n```\nDone.',
        '{broken {"name": "a", "n": 1}',
        '{"other": 2} {"name": "a", "n": 1}',
        'He said {braces} and then {"name": "a", "n": "1"}',
    ],
)
def test_the_first_object_that_validates_is_taken(text):
    found, _ = parse(text, Reply)
    assert found == Reply(name="a", n=1)


def test_two_objects_that_say_different_things_are_none():
    quoted = 'The note says {"name": "b"}, but: {"name": "a"}'
    assert parse(quoted, Reply) == (None, "there are 2 JSON objects in the reply that could be meant; one is wanted")
    assert parse('{"name": "a"} again: {"name": "a", "n": 0}', Reply)[0] == Reply(name="a")


@pytest.mark.parametrize("text", ["", "no", "[1, 2]", '{"name": {"a": 1, "b": 2}}', '{"n": 1}', '"{name}"'])
def test_what_does_not_parse_says_why(text):
    found, wrong = parse(text, Reply)
    assert found is None
    assert wrong


def test_a_malformed_reply_is_asked_for_once_more(ledger):
    chat = FakeChat(["name is a", '{"name": "a"}'])
    parsed = ask_for(chat, ledger, "Who?", Reply)
    assert parsed.value == Reply(name="a")
    assert parsed.repaired
    second = chat.calls[1][-1].text
    assert "Who?" not in second
    assert "name is a" in second
    assert '"n":{"default":0,"type":"integer"}' in second
    assert "no JSON object" in second
    assert ledger.cost.llm_calls == 2


def test_twice_malformed_is_an_error_and_no_third_try(ledger):
    chat = FakeChat(["bad", "worse", '{"name": "a"}'])
    with pytest.raises(ReplyError, match="did not parse"):
        ask_for(chat, ledger, "Who?", Reply)
    assert len(chat.calls) == 2


def test_what_is_complained_of_is_mended_once_and_then_told(ledger):
    def check(reply):
        return [] if reply.n == 1 else [f"n is {reply.n}, not 1"]

    mended = ask_for(FakeChat(['{"name": "a"}', '{"name": "a", "n": 1}']), ledger, "?", Reply, check)
    assert (mended.value.n, mended.repaired, mended.complaints) == (1, True, ())
    stubborn = ask_for(FakeChat(['{"name": "a"}', '{"name": "b", "n": 2}']), ledger, "?", Reply, check)
    assert (stubborn.value.n, stubborn.complaints) == (2, ("n is 2, not 1",))
    worse = ask_for(FakeChat(['{"name": "a"}', "nonsense"]), ledger, "?", Reply, check)
    assert (worse.value.n, worse.complaints) == (0, ("n is 0, not 1",))


def test_thoughts_are_no_reply(ledger):
    chat = FakeChat('<think>{"name": "wrong"}</think>{"name": "right"}')
    assert ask_for(chat, ledger, "?", Reply).value.name == "right"
    assert say(FakeChat("<think>endless"), ledger, "?") == ""


def test_a_failing_model_is_one_clear_error(ledger):
    def fail(messages):
        raise ConnectionError("refused")

    with pytest.raises(ModelError, match="ConnectionError: refused"):
        say(FakeChat(fail), ledger, "?")


def test_tokens_are_charged_and_bind():
    ledger = Ledger(Budget(tokens=12))
    say(FakeChat("one two three"), ledger, "a b c d e")
    assert (ledger.cost.tokens_in, ledger.cost.tokens_out) == (5, 3)
    with pytest.raises(BudgetSpent, match="tokens"):
        say(FakeChat("x"), ledger, "a much longer prompt than what is left allows for")
    assert ledger.spent == ["tokens"]
    assert ledger.cost.llm_calls == 1


def test_no_repair_without_budget():
    chat = FakeChat(["bad " * 30, '{"name": "a"}'])
    with pytest.raises(BudgetSpent):
        ask_for(chat, Ledger(Budget(tokens=25)), "Who?", Reply)
    assert len(chat.calls) == 1


def test_vision_is_charged_request_by_request():
    ledger = Ledger(Budget(frames=7, vlm_calls=3))
    assert ledger.take_vision([4, 4, 1]) == 1
    assert ledger.spent == ["frames"]
    assert ledger.take_vision([1, 1, 1]) == 2
    assert ledger.spent == ["frames", "VLM calls"]
    assert ledger.frames_left == 0
    assert (ledger.cost.frames, ledger.cost.vlm_calls) == (6, 3)


def test_seconds_stop_everything():
    now = [0.0]
    ledger = Ledger(Budget(seconds=10), clock=lambda: now[0])
    assert ledger.take_vision([1]) == 1
    now[0] = 10.0
    assert ledger.take_vision([1]) == 0
    assert not ledger.can_think
    assert ledger.spent == ["seconds"]
    assert ledger.cost.seconds == 10


def test_threads_share_a_ledger_without_overdrawing():
    ledger = Ledger(Budget(frames=100, vlm_calls=1000))
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(ledger.take_vision([1] * 20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 100
    assert ledger.cost.frames == 100


def test_budgets_come_from_the_settings_and_make_sense():
    assert Budget.of(Settings(budget_frames=5), seconds=3.0) == Budget(5, 24, 200_000, 3.0)
    assert Budget.of(Settings(), frames=0).frames == 0
    with pytest.raises(UsageError, match="negative"):
        Budget(frames=-1)
    assert estimate_tokens("x" * 41) == 10
